// One request's session: nothing is read until it is asked for, nothing written unless something changed, no cookie until there is data. All save policy is here.
import { type Changes, FLASH, isHidden, merge, pickNamed, type Updater } from "./changes.ts";
import { HarpiaError, type StoreError } from "./errors.ts";
import type { ResponseLike } from "./http-messages.ts";
import type { LoginOptions } from "./creation.ts";
import { copyJson } from "./json.ts";
import type { Deadlines } from "./lifetimes.ts";
import { RequestChanges } from "./request-changes.ts";
import { RequestRecord } from "./request-record.ts";
import type { Opened, SessionAccess } from "./session-access.ts";

/**
 * The session of one request. Changes are kept until {@link RequestSession.commit}, which writes the changed fields and no others;
 * `login`, `rotate`, `destroy`, `takeFlash` and `update` with a function act at once.
 *
 * A session that ends elsewhere during the request stays ended: its changes are dropped and no cookie is sent.
 */
export class RequestSession<Data extends object> {
  readonly #access: SessionAccess<Data>;
  readonly #record: RequestRecord<Data>;
  readonly #changes = new RequestChanges<Data>();
  #cookie: "keep" | "set" | "clear" = "keep";
  #isNew = false;
  #isRenamed = false;
  #isDestroyed = false;
  #isSealed = false;
  // It ended elsewhere, during this request.
  #isGone = false;

  constructor(access: SessionAccess<Data>) {
    this.#access = access;
    this.#record = new RequestRecord(access);
  }

  /** Whether the session began in this request. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** Whether anything was asked of this session: then the response depends on the cookie. */
  get isUsed(): boolean {
    return this.#record.isUsed;
  }

  /** Whether a commit would write, or one still does: a response must not leave before it. */
  get hasChanges(): boolean {
    return !this.#changes.isEmpty || this.#isRenewalDue || !!this.#record.changing;
  }

  /** What the store failed with in this request, where it did: what is made of it must not look like an answer. */
  get failure(): StoreError | undefined {
    return this.#access.failure;
  }

  /** The data with this request's own changes, or `undefined` when there is no session. A copy: changing it changes nothing. */
  get data(): Promise<Readonly<Data> | undefined> {
    return this.#after(() => this.#changes.view(this.#record.data));
  }

  /** When the session will end; `undefined` when there is none, or when it is not stored yet. */
  get deadlines(): Promise<Deadlines | undefined> {
    return this.#after(() => this.#record.opened && this.#access.deadlines(this.#record.opened.id));
  }

  /** Holds up a sensitive step until the user has signed in lately: `Session.requireFresh`. @throws HarpiaError `ERR_NOT_FRESH`. */
  requireFresh(maxAge: number): Promise<void> {
    return this.#after(() => this.#access.requireFresh(this.#record.opened?.id, maxAge));
  }

  /** A signal that fires when the session ends: `Session.watch`. Fired already where there is none. */
  watch(until?: AbortSignal): Promise<AbortSignal> {
    return this.#after(() => this.#access.watch(this.#record.opened?.id, until));
  }

  /** One field of {@link data}. */
  async get<Field extends keyof Data & string>(field: Field): Promise<Data[Field] | undefined> {
    if (this.#record.load()) await this.#record.load();
    if (isHidden(field)) return undefined;
    // A field of the changes is one of the data.
    return copyJson(this.#changes.get(field, this.#record.data) as Data[Field] | undefined);
  }

  /**
   * Changes a field when the request commits. Where there is no session, one begins then.
   *
   * @throws TypeError for what JSON cannot hold; HarpiaError `ERR_SESSION_ENDED` after `destroy`.
   */
  set<Field extends keyof Data & string>(field: Field, value: Data[Field]): void {
    this.#put(field, value);
  }

  /** Removes a field when the request commits. */
  unset(field: keyof Data & string): void {
    this.#put(field, undefined);
  }

  /** Changes fields: an object when the request commits, a function at once and exactly, as `Session.update`. @returns whether there is a session to change. */
  async update(changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    if (typeof changes !== "function") {
      for (const [field, value] of Object.entries(changes)) this.#put(field, value);
      return true;
    }
    this.#assertOpen();
    if (this.hasChanges) await this.commit();
    // At once if it can be: called from within such a function, this is seen to be so.
    if (this.#record.load()) await this.#record.load();
    if (!this.#record.opened || !(await this.#access.update(this.#record.opened, changes))) return false;
    this.#record.data = await this.#access.get(this.#record.opened.id);
    return true;
  }

  /** A field of the library's own, which `data` does not show. For what builds on sessions, such as `harpiats/csrf`. */
  async getHidden(field: string): Promise<unknown> {
    await this.#record.load();
    return this.#changes.get(field, this.#record.data);
  }

  /** Sets such a field when the request commits. */
  setHidden(field: string, value: unknown): void {
    this.#put(field, value);
  }

  /** Leaves a message for the next request that takes it. */
  flash(name: string, value: unknown): void {
    this.#put(FLASH + name, value);
  }

  /** Takes a message. Of several requests at once exactly one gets it. */
  async takeFlash(name: string): Promise<unknown> {
    const field = FLASH + name;
    if (this.#record.load()) await this.#record.load();
    const own = this.#changes.get(field, undefined);
    if (own !== undefined) this.#changes.put(field, undefined);
    if (own !== undefined || !this.#record.opened || !Object.hasOwn(this.#record.data ?? {}, field)) return own;
    return this.#access.takeField(this.#record.opened, field);
  }

  /**
   * Begins a session for a user, under a new id, and ends the one there was (ASVS V7.2.4). Of the former data only the fields in
   * `keep` come along, and none of them if it was somebody's already.
   *
   * @throws what `Session.create` throws.
   */
  login(data: Data, { keep = [], ...own }: LoginOptions<Data> = {}): Promise<void> {
    return this.#alone(async () => {
      const former = this.#record.opened;
      const kept = keep.length > 0 ? this.#changes.view(this.#record.data) : undefined;
      const next = { ...(kept && !this.#access.isOfAnotherUser(kept, data) && pickNamed(kept, keep)), ...data };
      const opened = await this.#access.create(next, own, former);
      await this.#begin(opened);
      this.#changes.take();
      if (former) await this.#access.retire(former, opened).catch((error: unknown) => {
        // The cap has ended it again: no response may carry its id.
        if (!this.failure) this.#forget();
        throw error;
      });
    });
  }

  /** Gives the session a new id; the old one is dead for everybody. @returns whether there was a session. */
  rotate(): Promise<boolean> {
    return this.#change((id) => this.#access.rotate(id));
  }

  /** Notes that the user has just proved who they are once more, and gives the session a new id. @returns whether there was a session. */
  reauthenticate(): Promise<boolean> {
    return this.#change((id) => this.#access.reauthenticate(id));
  }

  /** Ends the session, everywhere and at once, and takes its cookie back. Nothing can be changed in this request any more. */
  async destroy(): Promise<void> {
    await this.#record.load();
    // Once more where it was given another id meanwhile.
    for (let ended; this.#record.opened && this.#record.opened !== ended; ) await this.#access.delete((ended = this.#record.opened).id);
    this.#changes.take();
    this.#isDestroyed = true;
    this.#forget();
  }

  /**
   * Writes what has changed. May be called again, after more changes.
   *
   * @throws StoreError when the store fails: the response must not look like a success then. HarpiaError
   * `ERR_HEADERS_SENT` for a session that would begin too late.
   */
  async commit(): Promise<void> {
    // What failed while nobody waited must not look like a success.
    while (this.#record.changing) await this.#record.changing;
    if (this.hasChanges) await this.#record.change(() => this.#write());
  }

  async #write(): Promise<void> {
    if (this.#record.load()) await this.#record.load();
    if (this.#isRenewalDue && this.#record.opened) this.#follow(await this.#access.renew(this.#record.opened.id));
    if (this.#changes.isEmpty) return;
    const changes = this.#changes.take();
    if (this.#record.opened) {
      // Where it has ended meanwhile, the changes end with it: a late request brings nothing back.
      if (await this.#access.update(this.#record.opened, changes)) this.#record.data = merge(this.#record.data, changes);
      else this.#forget();
      return;
    }
    const data = merge<Data>(undefined, changes);
    if (this.#isGone || Object.keys(data).length === 0) return;
    this.#assertOpen(true);
    await this.#begin(await this.#access.create(data));
  }

  /** Drops what was not committed, and ends a session that began in this request and that nobody has heard of. */
  async discard(): Promise<void> {
    await this.#record.changing?.catch(() => {});
    this.#changes.take();
    if (this.#isNew && this.#cookie === "set" && this.#record.opened) await this.#access.delete(this.#record.opened.id);
    if (this.#isNew) this.#forget();
  }

  /**
   * Puts on a response what this request owes it: the cookie if it changed, with `no-store`; `Vary: Cookie` if the session was
   * used. To be called after `commit`, before the headers leave.
   *
   * @throws HarpiaError `ERR_HEADERS_SENT` when a cookie is owed and it is too late.
   */
  writeTo(res: ResponseLike): void {
    if (this.isUsed) this.#access.writeVary(res);
    if (this.#cookie === "set" && this.#record.opened) this.#access.writeId(res, this.#record.opened);
    if (this.#cookie === "clear") this.#access.eraseId(res);
    this.#cookie = "keep";
  }

  /** Says that the headers have left: what needs a cookie from now on is `ERR_HEADERS_SENT`, before anything is stored. */
  seal(): void {
    this.#isSealed = true;
  }

  /** Does what gives another id, once nothing else is under way. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    return this.#record.change(() => this.#after(() => (this.#assertOpen(true), act())));
  }

  async #after<T>(act: () => T | Promise<T>): Promise<T> {
    await this.#record.load();
    return act();
  }

  get #isRenewalDue(): boolean {
    return !!this.#record.opened && !this.#isSealed && !this.#isRenamed && this.#access.isRenewalDue(this.#record.opened);
  }

  /** Another id for the same session. @returns whether there was one. */
  #change(toNext: (id: string) => Promise<string | undefined>): Promise<boolean> {
    return this.#alone(async () => {
      const before = this.#record.opened;
      const id = before && (await toNext(before.id));
      if (before) this.#follow(id ? { id, session: before.session } : undefined);
      if (!id) return false;
      // What was destroyed meanwhile was the former id.
      if (this.#isDestroyed) await this.#access.delete(id);
      this.#assertOpen(true);
      return true;
    });
  }

  #follow(next: Opened<Data> | undefined): void {
    if (this.#isDestroyed) return;
    if (!next) return this.#forget();
    // To renew it once more in this request would say that the client has this one.
    this.#isRenamed ||= next.id !== this.#record.opened?.id;
    if (this.#isRenamed) this.#cookie = "set";
    this.#record.opened = next;
  }

  #put(field: string, value: unknown): void {
    this.#assertOpen();
    this.#changes.put(field, value);
    // Whether there is a session is settled now, so that one that ends later is not taken for none.
    this.#record.load()?.catch(() => {});
  }

  async #begin(opened: Opened<Data>): Promise<void> {
    // The headers left while it was stored: nobody could ever use it.
    if (this.#isSealed || this.#isDestroyed) await this.#access.delete(opened.id);
    this.#assertOpen(true);
    this.#isGone = false;
    this.#record.data = opened.session.data;
    this.#isNew = true;
    this.#follow(opened);
  }

  #forget(): void {
    this.#isGone = true;
    this.#record.opened = undefined;
    this.#record.data = undefined;
    this.#cookie = this.#isDestroyed ? "clear" : "keep";
  }

  #assertOpen(needsCookie = false): void {
    if (this.#isDestroyed) throw new HarpiaError("ERR_SESSION_ENDED", "Cannot change this session: it was destroyed in this request");
    if (needsCookie && this.#isSealed) throw new HarpiaError("ERR_HEADERS_SENT", "Cannot set the session's cookie: the headers of this response have been sent, set it before the body");
  }
}
