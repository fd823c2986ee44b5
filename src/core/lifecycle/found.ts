// What is handed on once a session was found, so that nothing is looked up, derived or judged twice.
import type { StoredSession } from "../store.ts";

/** A session that was found, and the id that led to it, as the client sent it. */
export interface Found<Data> {
  readonly id: string;
  readonly key: string;
  readonly session: StoredSession<Data>;
}
