// Visitors who sign in, do things and sign out while a server is in trouble, and who remember what
// they were told.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Session, StoreError } from "../../src/session.ts";
import { until } from "./waits.ts";

// Milliseconds. A server that was killed recovers in seconds, also on a loaded machine.
const LONGEST_LOAD = 60_000;

export interface Visit {
  userId: string;
  counter: number;
}

/** What a visitor knows of a session: the store may be ahead by a change whose answer was lost. */
interface Known {
  id: string;
  acknowledged: number;
  tried: number;
  /** When something was acknowledged last. */
  changedAt: number;
  /** `lost track`: the answer to a rotation, and with it the new id, did not come. */
  state: "live" | "lost track" | "ending" | "ended";
}

export interface LoadOptions {
  visitors?: number;
  /**
   * Milliseconds of acknowledged changes that the server's own settings may lose when it is killed.
   * Default none.
   */
  mayLose?: number;
}

/** Load that is bounded by whoever stops it. Every rejection must be a StoreError, in time. */
export class Load {
  readonly sessions: Known[] = [];
  readonly errors = new Map<string, number>();
  answers = 0;
  /**
   * Changes that were acknowledged and are not there, as its settings allow the server; the oldest,
   * in milliseconds before the kill.
   */
  readonly lost = { changes: 0, oldest: 0 };
  /** The longest that any request took, in milliseconds. */
  longest = 0;
  killedAt = 0;
  readonly #session: Session<Visit>;
  readonly #mayLose: number;
  readonly #visitors: Promise<unknown>;
  #isOver = false;

  constructor(session: Session<Visit>, { visitors = 16, mayLose = 0 }: LoadOptions = {}) {
    this.#session = session;
    this.#mayLose = mayLose;
    this.#visitors = Promise.all(
      Array.from({ length: visitors }, (_, n) => this.#visit(`visitor-${n}`)),
    ).catch((error: unknown) => {
      this.#isOver = true;
      throw error;
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#visitors;
  }

  /** Waits until so many more requests were answered. */
  async goOn(requests: number): Promise<void> {
    const enough = this.answers + requests;
    const isEnough = (): boolean => this.answers >= enough || this.#isOver;
    await Promise.race([
      this.#visitors,
      until(`${requests} more answers`, isEnough, { limit: LONGEST_LOAD }),
    ]);
  }

  /** Looks at every session once more: whatever was acknowledged is so. */
  async check(): Promise<void> {
    for (const known of this.sessions) {
      if (known.state === "lost track" || known.state === "ending") continue;
      const data = await this.#session.get(known.id);
      if (known.state === "ended") {
        if (data) this.#miss(known, 1, "a session is there that was ended");
      } else this.#compare(data, known);
    }
  }

  async #visit(userId: string): Promise<void> {
    while (!this.#isOver) {
      const id = await this.#try(() => this.#session.create({ userId, counter: 0 }));
      if (id === undefined) continue;
      const known: Known = { id, acknowledged: 0, tried: 0, changedAt: Date.now(), state: "live" };
      this.sessions.push(known);
      for (let n = 1; n <= 5 && !this.#isOver && known.state === "live"; n++) {
        if (!(await this.#increment(known))) break;
        if (n === 3) await this.#rotate(known);
        const found = await this.#try(async () => ({ data: await this.#session.get(known.id) }));
        if (found && known.state === "live" && !this.#compare(found.data, known)) break;
      }
      if (this.sessions.length % 2 === 0 || known.state !== "live") continue;
      known.state = "ending";
      const isEnded = await this.#try(() => this.#session.delete(known.id));
      if (isEnded === undefined) continue;
      known.state = "ended";
      known.changedAt = Date.now();
    }
  }

  async #increment(known: Known): Promise<boolean> {
    known.tried++;
    const isUpdated = await this.#try(() =>
      this.#session.update(known.id, ({ counter }) => ({ counter: counter + 1 })),
    );
    if (isUpdated === false) this.#miss(known, 1, "an update was told that a live session is gone");
    else if (isUpdated) this.#acknowledge(known, known.acknowledged + 1);
    return isUpdated !== false;
  }

  async #rotate(known: Known): Promise<void> {
    known.state = "lost track";
    const next = await this.#try(async () => ({ id: await this.#session.rotate(known.id) }));
    if (!next) return;
    if (next.id === undefined)
      return this.#miss(known, 1, "a rotation was told that a live session is gone");
    known.state = "live";
    known.id = next.id;
    known.changedAt = Date.now();
  }

  #acknowledge(known: Known, counter: number): void {
    known.acknowledged = counter;
    known.changedAt = Date.now();
  }

  #compare(data: Visit | undefined, known: Known): boolean {
    const { acknowledged, tried } = known;
    if (data && data.counter >= acknowledged && data.counter <= tried) return true;
    this.#miss(
      known,
      acknowledged - (data?.counter ?? -1),
      data
        ? `the counter is ${data.counter}, ${acknowledged} was acknowledged, ${tried} tried`
        : "a live session is gone",
    );
    return false;
  }

  /** What was acknowledged and is not so: only just before a kill, and only if the server may. */
  #miss(known: Known, changes: number, what: string): void {
    const before = this.killedAt - known.changedAt;
    assert.ok(
      changes > 0 && this.killedAt > 0 && before < this.#mayLose,
      `${what}, ${before} ms before the kill`,
    );
    known.state = "lost track";
    this.lost.changes += changes;
    this.lost.oldest = Math.max(this.lost.oldest, before);
  }

  async #try<T>(request: () => Promise<T>): Promise<T | undefined> {
    const begun = performance.now();
    try {
      const answer = await request();
      this.answers++;
      return answer;
    } catch (error) {
      assert.ok(error instanceof StoreError, String(error));
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
      // As a visitor would not try again at once.
      await sleep(5);
      return undefined;
    } finally {
      this.longest = Math.max(this.longest, performance.now() - begun);
    }
  }
}
