// harpiats/session: sessions without an app. Pulls in neither Hono nor srvx.
export type { AllSessions, FoundSession } from "./core/session/all-sessions.ts";
export type { Changes, Updater, VisitorUpdater } from "./core/data/changes.ts";
export type { Clock } from "./core/clock.ts";
export type { CreateOptions, LoginOptions } from "./core/lifecycle/creation.ts";
export { type CookieOptions, Cookies } from "./core/http/cookies.ts";
export { type DataIssue, type ErrorCode, HarpiaError, StoreError } from "./core/errors.ts";
export type { EndReason, RefusalReason, SessionEvents } from "./core/events/events.ts";
export type { RequestLike, ResponseLike, SessionRef } from "./core/http/http-messages.ts";
export { IdAccess } from "./core/store/id-access.ts";
export type {
  Deadlines,
  LifetimeOptions,
  LifetimePreset,
  OwnLifetime,
} from "./core/lifecycle/lifetimes.ts";
export { MemoryStore, type MemoryStoreOptions } from "./core/memory/memory-store.ts";
export type { NearCacheOptions } from "./core/store/near-cache.ts";
export { type PlainStoreOptions, toSessionStore } from "./core/store/three-method-store.ts";
export type { SessionPolicy } from "./core/session/policy.ts";
export type { RenewalOptions } from "./core/lifecycle/renewal.ts";
export type { RequestSession } from "./core/request/request-session.ts";
export type { StandardSchema } from "./core/data/schema.ts";
export type { RandomFill } from "./core/ids/session-id.ts";
export type { SessionOptions } from "./core/lifecycle/session-options.ts";
export { Session } from "./core/session/session.ts";
export type { ListedSession } from "./core/lifecycle/operations.ts";
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
