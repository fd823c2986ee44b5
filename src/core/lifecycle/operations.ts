// What a request asks of its `Session` by id, and what that answers: the request knows no more of
// it.
import type { DeviceFacts } from "../store.ts";
import type { Deadlines } from "./lifetimes.ts";

/** The methods of a `Session` that its requests call by id. */
export interface Operations {
  delete(id: string): Promise<boolean>;
  rotate(id: string): Promise<string | undefined>;
  reauthenticate(id: string): Promise<string | undefined>;
  requireFresh(id: string | undefined, maxAge: number): Promise<void>;
  deadlines(id: string): Promise<Deadlines | undefined>;
  watch(id: string | undefined, until?: AbortSignal): AbortSignal;
  list(userId: string, options: { current: string }): Promise<ListedSession[]>;
  revoke(handle: string, options: { userId: string }): Promise<boolean>;
  revokeAll(userId: string, options: { except: string }): Promise<number>;
}

/** One of a user's live sessions. */
export interface ListedSession extends Deadlines {
  /** Names the session, for `revoke`. Safe to show: it is no id and signs nobody in. */
  handle: string;
  /** Whether it is the session that the list was asked for from. */
  isCurrent: boolean;
  device?: DeviceFacts;
}
