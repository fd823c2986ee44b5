// What core's request session asks of its `Session`: the one seam between the two. No behaviour lives here.
import type { Changes, Updater } from "./changes.ts";
import type { ResponseLike } from "./http-messages.ts";
import type { Deadlines } from "./lifetimes.ts";
import type { StoredSession } from "./store.ts";

/** What a request's session asks of its `Session`. */
export interface SessionAccess<Data extends object> {
  /** The session that the request's cookie names. This is activity. */
  find(): Promise<{ id: string; session: StoredSession<Data> } | undefined>;
  get(id: string): Promise<Data | undefined>;
  create(data: Data): Promise<string>;
  update(id: string, changes: Changes<Data> | Updater<Data>): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  rotate(id: string): Promise<string | undefined>;
  deadlines(id: string): Promise<Deadlines | undefined>;
  watch(id: string | undefined, until?: AbortSignal): AbortSignal;
  /** Puts the cookie of an id on a response; of `undefined`, its deletion. */
  writeCookie(res: ResponseLike, id: string | undefined): void;
  /** Whether data is somebody's, and `next` is somebody else's. */
  isOfAnotherUser(data: Data, next: Data): boolean;
  /** Says to caches that the response depends on the cookie. */
  writeVary(res: ResponseLike): void;
}
