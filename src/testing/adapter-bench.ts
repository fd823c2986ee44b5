// What the conformance of adapters shares: the application that a framework has to serve, and what
// each test works with.
import assert from "node:assert/strict";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import type { SessionStore } from "../core/store.ts";
import type { Fields } from "./conformance-bench.ts";

/**
 * What a handler answers; the adapter's test gives it to its framework in the framework's own way.
 */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * What the framework has to call for every request, whatever its path. What it throws goes the
 * framework's error way.
 */
export type Handle = (session: RequestSession<Fields>, path: string) => Promise<Answer>;

/** A framework that listens. */
export interface StartedApp {
  /** Its origin, such as `http://127.0.0.1:1234`. */
  url: string;
  close(): Promise<unknown>;
}

/** Which adapter is tested, and how an application with it is started. */
export interface AdapterConformanceOptions {
  /** The adapter's name in the output. */
  name: string;
  /**
   * Starts the framework with the adapter over `session`, and `handle` behind it for all paths and
   * methods.
   */
  start(session: Session<Fields>, handle: Handle): Promise<StartedApp>;
}

/** A store whose calls are recorded, and stopped or failed at will. */
export interface StagedStore {
  readonly store: SessionStore<Fields>;
  readonly calls: string[];
  /** Called before each call of the store; what it throws is what the store rejects with. */
  onCall: (method: string) => Promise<void> | void;
}

/** What each test works with. */
export interface AdapterBench {
  readonly session: Session<Fields>;
  readonly staged: StagedStore;
  /**
   * Asks for a path, with the cookies of a browser if one is given, and never follows a redirect.
   */
  ask(path: string, browser?: Browser, headers?: Record<string, string>): Promise<Reply>;
  /** What was told in order, for tests of what comes before what. */
  readonly told: string[];
}

/** A browser's cookies, as far as sessions need them. */
export class Browser {
  cookie: string | undefined;
}

export interface Reply {
  status: number;
  headers: Headers;
  cookies: string[];
  body: string;
}

/** Requests to `/slow` that wait. */
export const slowRequests: (() => void)[] = [];

/** Lets the request to `/slow` that has waited longest go on. */
export function letSlowRequestGoOn(): void {
  const next = slowRequests.shift();
  assert.ok(next, "no request is waiting");
  next();
}
