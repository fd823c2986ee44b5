// What the doctor finds, one line each: what was looked at, what is there, and how to mend it.

/**
 * `fault`: a promise of the store does not hold. `advice`: it holds, and something may surprise.
 */
export interface Finding {
  readonly check: string;
  readonly status: "ok" | "advice" | "fault";
  /** What is there. */
  readonly found: string;
  /** What to do about it, where it is not ok. */
  readonly mend?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, status: "ok", found };
}

export function advice(check: string, found: string, mend: string): Finding {
  return { check, status: "advice", found, mend };
}

export function fault(check: string, found: string, mend: string): Finding {
  return { check, status: "fault", found, mend };
}

// Deadlines are compared with the clock of whoever reads: this much changes no session by more than
// that.
const MOST_SKEW = 2000;

/**
 * Compares the server's clock with this machine's.
 *
 * @param ask gives the server's, milliseconds since the epoch.
 */
export async function clockFinding(
  now: () => number,
  ask: () => Promise<number>,
): Promise<Finding> {
  const before = now();
  const there = await ask();
  const after = now();
  // It was looked at somewhere between.
  const skew = Math.max(0, there - after, before - there);
  if (skew <= MOST_SKEW) return ok("clock", "as here, within 2 s");
  return fault(
    "clock",
    `${(skew / 1000).toFixed(1)} s ${there > after ? "ahead of" : "behind"} this machine's`,
    "keep every machine on NTP: sessions end early or late by the difference",
  );
}

/** @param wanted the least version, as numbers. */
export function versionFinding(
  name: string,
  found: string,
  wanted: readonly [number, number],
): Finding {
  const [major = 0, minor = 0] = (/(\d+)(?:\.(\d+))?/.exec(found) ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  const isEnough = major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
  return isEnough
    ? ok("version", `${name} ${found}`)
    : fault("version", `${name} ${found}`, `${name} ${wanted.join(".")} or later`);
}
