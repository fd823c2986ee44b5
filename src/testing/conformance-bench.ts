// What the conformance suites share: the shape of a test runner, of what is opened, and what each
// test works with.
import type { Clock } from "../core/clock.ts";
import type { NewSession, SessionStore, Store } from "../core/store.ts";
import type { ManualClock } from "./manual-clock.ts";

/**
 * What conformance needs of a test runner: `node:test` as it is; elsewhere
 * `before: beforeAll, after: afterAll`.
 */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown;
  it(name: string, test: () => Promise<void>): unknown;
  before(hook: () => Promise<void>): unknown;
  after(hook: () => Promise<void>): unknown;
}

// What a store holds here: fields of any kind.
export type Fields = Record<string, unknown>;

/** An opened store and how to close it. */
export interface OpenedStore {
  store: Store<Fields> | SessionStore<Fields>;
  close?(): Promise<unknown>;
}

/** Which store is tested, and how it is opened. */
export interface StoreConformanceOptions {
  /** The store's name in the output. */
  name: string;
  /** `Store` for one that has get, set and delete alone. Default `SessionStore`. */
  contract?: "Store" | "SessionStore";
  /**
   * Opens a store that nobody else writes to. Called once. The clock stands still and is moved by
   * the tests: an own store takes it as its option `clock`.
   */
  open(clock: Clock): Promise<OpenedStore>;
}

/** What each test works with. */
export interface Bench {
  readonly store: SessionStore<Fields>;
  readonly clock: ManualClock;
  /**
   * A key that was never used: of this moment, or of the birth of another, as rotation makes it.
   */
  newKey(sameBirthAs?: string): string;
  newId(): string;
  newUser(): string;
  /** A session that lives 1,000 s and would end after 10,000 s. */
  session(data?: Fields, more?: Partial<NewSession<Fields>>): NewSession<Fields>;
}

/** The lifetime of what {@link Bench.session} makes, in milliseconds. */
export const LIFETIME = 1_000_000;
