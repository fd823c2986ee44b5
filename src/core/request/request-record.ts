// What one request knows of its session: read once, when it is first asked for, and never before.
import type { Opened, SessionAccess } from "./request-access.ts";

type Access<Data extends object> = Pick<
  SessionAccess<Data>,
  "find" | "locate" | "see" | "currentId"
>;

/** The id and the record, as they were when they were read or begun. */
export class RequestRecord<Data extends object> {
  readonly #access: Access<Data>;
  // Undefined before anything was asked; `true` once it is known whether there is a session.
  #found: Promise<void> | true | undefined;
  // Whether it was looked at without that counting as activity.
  #isUnseen = false;
  opened: Opened<Data> | undefined;
  data: Data | undefined;
  /** What is under way and changes it, if anything is. */
  changing: Promise<unknown> | undefined;

  constructor(access: Access<Data>) {
    this.#access = access;
  }

  /** Whether anything was asked. */
  get isUsed(): boolean {
    return this.#found !== undefined;
  }

  /**
   * Looks, and notes the activity. Nothing to wait for where it is known already, or the store
   * answers at once: a promise costs as much as the rest.
   */
  load(): Promise<void> | undefined {
    if (this.#isUnseen) return this.#see();
    if (this.#found === undefined) this.#found = this.#find(() => this.#access.find());
    else if (this.#found === true && this.#isElsewhere())
      this.#found = this.#find(() => this.#access.locate());
    return this.#found === true ? undefined : this.#found;
  }

  /** Looks, and that is no activity: the idle deadline stays where it is. */
  peek(): Promise<void> | undefined {
    if (this.#found === undefined) {
      this.#isUnseen = true;
      this.#found = this.#find(() => this.#access.locate());
    }
    return this.#found === true ? undefined : this.#found;
  }

  /** Looks again, as if nothing had been asked before. */
  reload(): Promise<void> | undefined {
    const { opened } = this;
    this.#found = this.#find(() => this.#access.locate(opened?.id));
    return this.#found === true ? undefined : this.#found;
  }

  /**
   * Runs one change of the session at a time. Two at once would each begin a session, or one would
   * use an id that the other has just replaced.
   */
  async change<T>(act: () => Promise<T>): Promise<T> {
    while (this.changing) await this.changing.catch(() => {});
    const work = (this.changing = act());
    try {
      return await work;
    } finally {
      this.changing = undefined;
    }
  }

  /** Whether the `Session` has given this request another id, past this. */
  #isElsewhere(): boolean {
    const id = this.#access.currentId();
    return id !== undefined && id !== (this.opened?.id ?? null);
  }

  #find(
    find: () => Opened<Data> | undefined | Promise<Opened<Data> | undefined>,
  ): Promise<void> | true {
    try {
      const found = find();
      return found instanceof Promise
        ? found.then((opened) => void this.#take(opened))
        : this.#take(found);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** The activity that a look has left out. */
  async #see(): Promise<void> {
    this.#isUnseen = false;
    if (this.#found !== true) await this.#found;
    const { opened } = this;
    if (opened && !(await this.#access.see(opened))) this.#take(undefined);
  }

  #take(found: Opened<Data> | undefined): true {
    this.opened = found;
    this.data = found?.session.data;
    return (this.#found = true);
  }
}
