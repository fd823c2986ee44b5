// What one request has changed and not written yet. Says nothing about when it is written, and
// where.
import {
  type Changes,
  isChange,
  merge,
  noChanges,
  pickFields,
  visibleData,
} from "../data/changes.ts";
import { copyJson, toJsonValue } from "../data/json.ts";

// Of all requests that change nothing: most.
const NONE: Record<string, unknown> = Object.freeze(noChanges());

/** Fields to change, as they were when they were set. */
export class RequestChanges<Data extends object> {
  #fields = NONE;

  get isEmpty(): boolean {
    return !isChange(this.#fields);
  }

  /**
   * Takes all of these fields, or none. `undefined` removes one.
   *
   * @throws TypeError for what JSON would lose.
   */
  put(fields: object): void {
    const taken = Object.entries(fields).map(([field, value]: [string, unknown]) => ({
      field,
      value: value === undefined ? undefined : toJsonValue(value, field),
    }));
    if (this.#fields === NONE) this.#fields = noChanges();
    for (const { field, value } of taken) this.#fields[field] = value;
  }

  /** A field as it will be, of `data` where nothing changes it. */
  get(field: string, data: object | undefined): unknown {
    const source = field in this.#fields ? this.#fields : data;
    return source && Object.hasOwn(source, field)
      ? (source as Record<string, unknown>)[field]
      : undefined;
  }

  /** What the application sees of the data as it will be: a copy. */
  view(data: Data | undefined): Data | undefined {
    const next = this.isEmpty ? data : merge(data, this.#fields as Changes<Data>);
    return next && copyJson(visibleData(next));
  }

  /** Gives them away, those of the application and the library's own; none are left. */
  take(): { changes: Changes<Data>; hidden: object | undefined } {
    const taken = this.#fields as Changes<Data>;
    this.#fields = NONE;
    const changes = pickFields(taken, "visible");
    return { changes, hidden: changes === taken ? undefined : pickFields(taken, "hidden") };
  }
}
