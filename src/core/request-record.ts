// What one request knows of its session: read once, when it is first asked for, and never before.
import type { Opened, SessionAccess } from "./session-access.ts";

/** The id and the record, as they were when they were read or begun. */
export class RequestRecord<Data extends object> {
  readonly #access: Pick<SessionAccess<Data>, "find">;
  // Undefined before anything was asked; `true` once it is known whether there is a session.
  #found: Promise<void> | true | undefined;
  opened: Opened<Data> | undefined;
  data: Data | undefined;
  /** What is under way and changes it, if anything is. */
  changing: Promise<unknown> | undefined;

  constructor(access: Pick<SessionAccess<Data>, "find">) {
    this.#access = access;
  }

  /** Whether anything was asked. */
  get isUsed(): boolean {
    return this.#found !== undefined;
  }

  /** Nothing to wait for where it is known already, or the store answers at once: a promise costs as much as the rest. */
  load(): Promise<void> | undefined {
    this.#found ??= this.#find();
    return this.#found === true ? undefined : this.#found;
  }

  /** Changes it once nothing else does: two at once would each begin a session, or one would lose the id that the other has given it. */
  async change<T>(act: () => Promise<T>): Promise<T> {
    while (this.changing) await this.changing.catch(() => {});
    const work = (this.changing = act());
    try {
      return await work;
    } finally {
      this.changing = undefined;
    }
  }

  #find(): Promise<void> | true {
    try {
      const found = this.#access.find();
      return found instanceof Promise ? found.then((opened) => void this.#take(opened)) : this.#take(found);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #take(found: Opened<Data> | undefined): true {
    this.opened = found;
    this.data = found?.session.data;
    return (this.#found = true);
  }
}
