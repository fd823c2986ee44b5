// What a request asks of its `Session` by id, and what that answers: the request knows no more of
// it.
import type { DeviceFacts } from "../store.ts";
import type { Deadlines } from "./lifetimes.ts";

/** One of a user's live sessions. */
export interface ListedSession extends Deadlines {
  /** Names the session, for `revoke`. Safe to show: it is no id and signs nobody in. */
  handle: string;
  /** Whether it is the session that the list was asked for from. */
  isCurrent: boolean;
  device?: DeviceFacts;
}
