// What became of sessions, remembered by handle from the moment somebody listens: so many, and the
// oldest are forgotten first.
import type { Clock } from "../core/clock.ts";
import type { SessionEvents } from "../core/events/events.ts";

/** How and when a session ended. `replaced` and `superseded`: it may go on under another id. */
export interface SessionEnd {
  readonly reason: SessionEvents["ended"]["reason"] | "replaced" | "superseded";
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Remembered {
  readonly userId?: string | undefined;
  readonly end?: SessionEnd;
}

/** What is asked of a `Session` here. */
export interface EventSource {
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void;
}

/** Remembers the ends of sessions. */
export class EndedSessions {
  readonly #most: number;
  readonly #clock: Clock;
  readonly #known = new Map<string, Remembered>();
  readonly #stops: (() => void)[];

  constructor(source: EventSource, { most, clock }: { most: number; clock: Clock }) {
    this.#most = most;
    this.#clock = clock;
    this.#stops = [
      source.on("created", ({ handle, userId }) => this.#remember(handle, { userId })),
      source.on("ended", ({ handle, reason }) => this.#end(handle, reason)),
      source.on("rotated", ({ handle, formerHandle }) => {
        this.#remember(handle, { userId: this.#known.get(formerHandle)?.userId });
        this.#end(formerHandle, "replaced");
      }),
      // An id that was renewed away: where the session itself was left alone, no end is told.
      source.on(
        "refused",
        ({ reason, handle }) =>
          void (reason === "superseded" && handle !== undefined && this.#end(handle, reason)),
      ),
      // No handles come with it: whose session it was is known of those that began here. Without a
      // user it was everybody's.
      source.on("revoked", ({ userId }) => {
        for (const [handle, known] of this.#known)
          if ((userId === undefined || known.userId === userId) && !known.end)
            this.#end(handle, "revoked");
      }),
    ];
  }

  /** Asked only of sessions that are gone: one that was excepted from a revocation is not. */
  find(handle: string): SessionEnd | undefined {
    return this.#known.get(handle)?.end;
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#known.clear();
  }

  #end(handle: string, reason: SessionEnd["reason"]): void {
    this.#remember(handle, { ...this.#known.get(handle), end: { reason, at: this.#clock.now() } });
  }

  #remember(handle: string, what: Remembered): void {
    this.#known.delete(handle);
    this.#known.set(handle, what);
    // A Map keeps the order of insertion.
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
  }
}
