// How many sessions live, at each collection, of those stores that can say so without going through
// them.
import type { GaugeLike, MeterLike } from "./api.ts";

/** A `Session`, by what is asked of it. */
export interface CountedSession {
  readonly cookieName: string;
  readonly all: { count(): Promise<number | undefined> };
}

/** @returns a function that ends it. */
export function observeLive(
  meter: MeterLike,
  sessions: () => Iterable<CountedSession>,
): () => void {
  const live = meter.createObservableGauge("harpiats.session.live", {
    description:
      "Sessions that are kept, about: what has expired and was not deleted yet included.",
    unit: "{session}",
  });
  const observe: Parameters<GaugeLike["addCallback"]>[0] = async (result) => {
    await Promise.all(
      Array.from(sessions(), async ({ cookieName, all }) => {
        // A store that is down leaves a gap, and its own operation says why.
        const count = await all.count().catch(() => undefined);
        if (count !== undefined) result.observe(count, { "harpiats.cookie.name": cookieName });
      }),
    );
  };
  live.addCallback(observe);
  return () => live.removeCallback(observe);
}
