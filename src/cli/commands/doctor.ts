// `harpiats doctor`: looks at the store, its server and the Session's cookie, and says what to
// mend. Changes nothing but one session of its own, which it makes and ends.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { IdMaker, toStoreKey } from "../../core/ids/session-id.ts";
import type { SessionPolicy } from "../../core/session/policy.ts";
import type { Opening } from "../../stores/open/driver.ts";
import { flagOf, type StoreUrl } from "../../stores/open/store-url.ts";
import { examinePolicy } from "../doctor/cookie.ts";
import { fault, type Finding, ok } from "../doctor/findings.ts";
import { examineMysql } from "../doctor/mysql.ts";
import { examinePostgres } from "../doctor/postgres.ts";
import { examineRedis } from "../doctor/redis.ts";
import { examineSqlite } from "../doctor/sqlite.ts";
import { type CommandIo, write } from "../shared/command-io.ts";
import { CommandError, DONE, FOUND_WANTING } from "../shared/exit-codes.ts";
import { count, printable, writeJson } from "../shared/output.ts";
import { withProgress } from "../shared/progress.ts";
import {
  type AnyData,
  type AnyStore,
  type StoreOptions,
  withServer,
} from "../shared/store-option.ts";

export interface DoctorOptions extends StoreOptions {
  config?: string;
  json?: boolean;
}

const DEFAULT_TABLE = "harpiats_sessions";
// Should its removal fail, it is gone in five minutes. A clock that is wrong by less is a finding
// of its own.
const TRIAL = 300_000;

export async function doctor(io: CommandIo, options: DoctorOptions): Promise<number> {
  const hasStore = (options.store ?? io.env["HARPIATS_STORE"] ?? "") !== "";
  // With a configuration alone there is something to look at.
  const ofStore =
    hasStore || options.config === undefined
      ? await withServer(io, options, (opening, url) =>
          withProgress(io, "Examining", () => examine(io, opening, url)),
        )
      : [];
  const findings = [
    ...ofStore,
    ...(options.config === undefined ? [] : examinePolicy(await readPolicy(options.config))),
  ];
  const faults = findings.filter(({ status }) => status === "fault").length;
  if (options.json === true) await writeJson(io, { faults, findings });
  else await write(io, report(findings, faults));
  return faults === 0 ? DONE : FOUND_WANTING;
}

async function examine(
  io: CommandIo,
  opening: Opening<AnyData>,
  url: StoreUrl,
): Promise<Finding[]> {
  const { query = noQuery, command = noQuery } = opening;
  const now = (): number => io.now();
  const table = url.parameters.get("table") ?? DEFAULT_TABLE;
  const findings = await {
    redis: () => examineRedis(command, { now, isCluster: flagOf(url, "cluster") === true }),
    postgres: () => examinePostgres(query, { now, table }),
    mysql: () => examineMysql(query, { now, table }),
    sqlite: () =>
      examineSqlite(query, {
        table,
        path: url.target,
        synchronous: url.parameters.get("synchronous"),
      }),
    memory: async () => [],
  }[url.kind]();
  return [...findings, await tryFinding(opening.store, io.now())];
}

async function noQuery(): Promise<never> {
  throw new Error("Cannot ask: this store has no such language");
}

/**
 * Whether a session can be made, found and ended: rights, room, and whatever nobody has thought of.
 */
async function tryFinding(store: AnyStore, now: number): Promise<Finding> {
  const key = toStoreKey(new IdMaker().make(Math.floor(now / 1000)));
  const endsAt = now + TRIAL;
  try {
    const { outcome } = await store.create(key, {
      data: {},
      createdAt: now,
      lastSeenAt: now,
      expiresAt: endsAt,
      endsAt,
      userId: "harpiats doctor",
    });
    const [found] = await store.read([key]);
    const isEnded = await store.remove(key);
    if (outcome === "created" && found && isEnded)
      return ok("trial", "a session was made, found and ended");
    return fault(
      "trial",
      `a session was ${outcome}, then ${found ? "" : "not "}found, then ${isEnded ? "" : "not "}ended`,
      "see the other findings",
    );
  } catch (error) {
    await store.remove(key).catch(() => {});
    return fault(
      "trial",
      `a session cannot be made, found and ended: ${(error as Error).message}`,
      "see the other findings, and the rights of the user in the URL",
    );
  }
}

/** The policy of the Session that a module exports as `session`, or by default. */
async function readPolicy(path: string): Promise<SessionPolicy> {
  let module: { session?: unknown; default?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as typeof module;
  } catch (error) {
    throw new CommandError(`Cannot load ${path}: ${(error as Error).message}`);
  }
  // Whose class it is does not matter: the module may have another copy of this package.
  const { policy } = Object(module.session ?? module.default) as { policy?: SessionPolicy };
  if (policy?.cookie === undefined)
    throw new CommandError(
      `${path} exports no Session: one under the name session, or by default, is wanted`,
    );
  return policy;
}

const SIGNS = { ok: "ok     ", advice: "advice ", fault: "FAULT  " };

function report(findings: readonly Finding[], faults: number): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, found, mend }) => [
    `${SIGNS[status]} ${check.padEnd(width)}  ${printable(found)}`,
    ...(mend === undefined ? [] : [`${" ".repeat(width + 10)}→ ${mend}`]),
  ]);
  const pieces = findings.filter(({ status }) => status === "advice").length;
  return `${[...lines, "", `${count(faults, "fault")}, ${count(pieces, "piece of advice", "pieces of advice")}`].join("\n")}\n`;
}
