// What a request asks about its user's sessions, and what that answers: the request knows no more of
// it.
import type { DeviceFacts } from "../store.ts";
import type { Deadlines } from "./lifetimes.ts";

/** Lists and ends the sessions of users. */
export interface Operations {
  list(userId: string, currentKey: string | undefined): Promise<ListedSession[]>;
  revoke(handle: string, userId: string): Promise<boolean>;
  revokeAll(userId: string, exceptKeys: readonly string[]): Promise<number>;
}

/** One of a user's live sessions. */
export interface ListedSession extends Deadlines {
  /** Names the session, for `revoke`. Safe to show: it is no id and signs nobody in. */
  handle: string;
  /** Whether it is the session that the list was asked for from. */
  isCurrent: boolean;
  device?: DeviceFacts;
}
