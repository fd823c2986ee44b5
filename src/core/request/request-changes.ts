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

  /** @param value `undefined` to remove the field. @throws TypeError for what JSON cannot hold. */
  put(field: string, value: unknown): void {
    const taken = value === undefined ? undefined : toJsonValue(value);
    if (this.#fields === NONE) this.#fields = noChanges();
    this.#fields[field] = taken;
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
