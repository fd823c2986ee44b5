// harpiats/session: sessions without an app. Pulls in neither Hono nor srvx.
export type { AllSessions, FoundSession } from "./core/all-sessions.ts";
export type { Changes, Updater, VisitorUpdater } from "./core/changes.ts";
export type { Clock } from "./core/clock.ts";
export type { CreateOptions, LoginOptions } from "./core/creation.ts";
export { type CookieOptions, Cookies } from "./core/cookies.ts";
export { type DataIssue, type ErrorCode, HarpiaError, StoreError } from "./core/errors.ts";
export type { EndReason, RefusalReason, SessionEvents } from "./core/events.ts";
export type { RequestLike, ResponseLike, SessionRef } from "./core/http-messages.ts";
export { IdAccess } from "./core/id-access.ts";
export type { Deadlines, LifetimeOptions, LifetimePreset, OwnLifetime } from "./core/lifetimes.ts";
export { MemoryStore, type MemoryStoreOptions } from "./core/memory-store.ts";
export type { NearCacheOptions } from "./core/near-cache.ts";
export { type PlainStoreOptions, toSessionStore } from "./core/plain-store.ts";
export type { SessionPolicy } from "./core/policy.ts";
export type { RenewalOptions } from "./core/renewal.ts";
export type { RequestSession } from "./core/request-session.ts";
export type { StandardSchema } from "./core/schema.ts";
export type { RandomFill } from "./core/session-id.ts";
export type { SessionOptions } from "./core/session-options.ts";
export { Session } from "./core/session.ts";
export type { ListedSession } from "./core/user-sessions.ts";
export type {
  CreateResult,
  DeviceFacts,
  KeyedPatch,
  KeyedSession,
  KeyedTouch,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  Store,
  StoreChange,
  StoredSession,
  UserCap,
} from "./core/store.ts";
