// Written by tools/measured-numbers.ts from docs/measured: bytes of a signed-in session by bytes of
// its data, and changes per second, on 2 cores that did other work too. Do not edit: measure.

export interface MeasuredStore {
  readonly version: string;
  readonly date: string;
  /** Bytes of data as JSON, and bytes that the session takes with it. */
  readonly sizes: readonly (readonly [number, number])[];
  readonly changesPerSecond: number;
}

export const MEASURED: Readonly<Record<"redis" | "postgres" | "mysql" | "sqlite", MeasuredStore>> =
  {
    redis: {
      version: "Redis 7.0.15",
      date: "2026-11-23",
      sizes: [
        [16, 680],
        [153, 805],
        [4107, 5540],
      ],
      changesPerSecond: 86356,
    },
    postgres: {
      version: "PostgreSQL 15.18",
      date: "2026-11-24",
      sizes: [
        [122, 649],
        [1209, 2811],
      ],
      changesPerSecond: 3971,
    },
    mysql: {
      version: "MariaDB 10.11.19",
      date: "2026-11-24",
      sizes: [
        [122, 741],
        [1209, 2638],
      ],
      changesPerSecond: 6455,
    },
    sqlite: {
      version: "SQLite",
      date: "2026-11-24",
      sizes: [
        [123, 396],
        [1210, 1491],
      ],
      changesPerSecond: 46924,
    },
  };
