// Takes from docs/measured what `harpiats size` reckons with, and writes it as a module: the
// package has no JSON of its own. node .build/tools/measured-numbers.js
import { readFile, writeFile } from "node:fs/promises";
import { projectFolder } from "../test/support/project.ts";

interface Sizes {
  date: string;
  versions?: Record<string, string>;
  sizes: { shape: string; jsonBytes: number; bytesPerTouchedSession: number }[];
}

interface RedisSizes {
  machine: { redis: string; date: string };
  bytesOfMemoryASession: Record<string, { dataBytes: number; ofAUser: number }>;
  patchMicroseconds: { notifyFalse: number };
}

async function read<T>(name: string): Promise<T> {
  // What our own tools have written.
  return JSON.parse(await readFile(`${projectFolder}docs/measured/${name}.json`, "utf8")) as T;
}

/**
 * The numbers by store. Sizes are pairs: bytes of data as JSON, bytes that a signed-in session
 * takes with it.
 */
export async function measuredNumbers(): Promise<Record<string, object>> {
  const redis = await read<RedisSizes>("redis");
  const postgres = await read<
    Sizes & { notifying: { connections: number; patchesPerSecond: number }[] }
  >("postgres");
  const mysql = await read<Sizes & { logins: { perSecond: number } }>("mysql");
  const sqlite = await read<Sizes & { node: string; rates: { patch64AtATime: number }[] }>(
    "sqlite",
  );
  const pairs = ({ sizes }: Sizes): number[][] =>
    sizes
      .filter(({ shape }) => shape !== "anonymous")
      .map(({ jsonBytes, bytesPerTouchedSession }) => [jsonBytes, bytesPerTouchedSession]);
  return {
    redis: {
      version: `Redis ${redis.machine.redis}`,
      date: redis.machine.date,
      sizes: Object.values(redis.bytesOfMemoryASession).map(({ dataBytes, ofAUser }) => [
        dataBytes,
        ofAUser,
      ]),
      changesPerSecond: Math.round(1e6 / redis.patchMicroseconds.notifyFalse),
    },
    postgres: {
      version: `PostgreSQL ${postgres.versions?.["postgres"]?.split(" ")[0]}`,
      date: postgres.date,
      sizes: pairs(postgres),
      changesPerSecond: Math.max(
        ...postgres.notifying.map(({ patchesPerSecond }) => patchesPerSecond),
      ),
    },
    mysql: {
      version: `MariaDB ${mysql.versions?.["mariadb"]?.split("-")[0]}`,
      date: mysql.date,
      sizes: pairs(mysql),
      changesPerSecond: mysql.logins.perSecond,
    },
    sqlite: {
      version: "SQLite",
      date: sqlite.date,
      sizes: pairs(sqlite),
      changesPerSecond: sqlite.rates[0]?.patch64AtATime,
    },
  };
}

if (process.argv[1]?.includes("measured-numbers")) {
  const lines = Object.entries(await measuredNumbers()).map(
    ([name, numbers]) =>
      `  ${name}: ${JSON.stringify(numbers)
        .replaceAll('"', "")
        .replace(/(version|date):([^,]+)/g, '$1: "$2"')
        .replace(/,(?=[a-z])/g, ", ")
        .replace(/(sizes|changesPerSecond):/g, "$1: ")
        .replace(/(?<=\d|\]),(?=\d|\[)/g, ", ")
        .replace(/^\{(.*)\}$/, "{ $1 }")},`,
  );
  const text = `// Written by tools/measured-numbers.ts from docs/measured: bytes of a signed-in session by bytes of its data, and changes per second, on
// 2 cores that did other work too. Do not edit: measure.

export interface MeasuredStore {
  readonly version: string;
  readonly date: string;
  /** Bytes of data as JSON, and bytes that the session takes with it. */
  readonly sizes: readonly (readonly [number, number])[];
  readonly changesPerSecond: number;
}

export const MEASURED: Readonly<Record<"redis" | "postgres" | "mysql" | "sqlite", MeasuredStore>> = {
${lines.join("\n")}
};
`;
  await writeFile(`${projectFolder}src/cli/shared/measured-numbers.ts`, text);
}
