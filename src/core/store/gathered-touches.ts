// Activity is written beside the requests, not in them: one write for each session, however many
// requests it has meanwhile. None of these writes is forgotten: a failure is told, and `settled`
// waits for them.

interface Touch {
  lastSeenAt: number;
  expiresAt: number;
}

/** Writes touches that no request waits for. */
export class GatheredTouches {
  readonly #write: (key: string, touch: Touch) => Promise<unknown>;
  readonly #onError: (error: Error) => void;
  readonly #running = new Map<string, Promise<void>>();

  constructor(
    write: (key: string, touch: Touch) => Promise<unknown>,
    onError: (error: Error) => void,
  ) {
    this.#write = write;
    this.#onError = onError;
  }

  add(key: string, touch: Touch): void {
    // What is on its way says the same, as exactly as the throttle.
    if (this.#running.has(key)) return;
    const writing = this.#write(key, touch)
      .then(() => {}, this.#onError)
      .finally(() => this.#running.delete(key));
    this.#running.set(key, writing);
  }

  /** The write for a session that is on its way, if there is one. It never rejects. */
  of(key: string): Promise<void> | undefined {
    return this.#running.get(key);
  }

  /** Resolves when all that was added is written, or has failed. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
