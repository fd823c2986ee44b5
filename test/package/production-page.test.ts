// docs/production.md and docs/scaling.md say numbers: they are those of the files that tools wrote,
// and of `harpiats size`.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { reckon } from "../../src/cli/commands/size.ts";
import { projectFolder } from "../support/project.ts";

interface Sizes {
  sizes: { jsonBytes: number; bytesPerTouchedSession: number }[];
}
interface Bloat {
  variants: {
    name: string;
    bytesNew: number;
    bytesAfterOne: number;
    bytesAfterAll: number;
    bytesAfterVacuumAndMore: number;
    touchesOffTheIndexes: number;
    logBytesPerTouch: number;
  }[];
}

let page = "";
const whole = (number: number): string => number.toLocaleString("en");

async function measured<File>(name: string): Promise<File> {
  // What our own tools wrote.
  return JSON.parse(await readFile(`${projectFolder}docs/measured/${name}.json`, "utf8")) as File;
}

function says(row: string): void {
  assert.ok(page.includes(row), `neither docs/production.md nor docs/scaling.md says: ${row}`);
}

describe("docs/production.md and docs/scaling.md", () => {
  before(async () => {
    for (const name of ["production", "scaling"])
      page += await readFile(`${projectFolder}docs/${name}.md`, "utf8");
  });

  it("say what a million sessions do to the admin pages and the command", async () => {
    const { stores } = await measured<{
      stores: Record<string, { milliseconds: Record<string, { median: number }> }>;
    }>("admin");
    for (const [name, { milliseconds }] of Object.entries(stores))
      says(
        `| \`${name}\` | ${["overview", "sessions", "one user"].map((part) => milliseconds[part]?.median).join(" · ")} ms |`,
      );
    const { results } = await measured<{
      results: {
        listSeconds: number;
        listMegabytes: number;
        listOfFewMegabytes: number;
        countSeconds: number;
      }[];
    }>("operate");
    for (const { listSeconds, listMegabytes, listOfFewMegabytes, countSeconds } of results)
      says(
        `| ${listSeconds} s | ${listMegabytes} MB, ${listOfFewMegabytes} MB | ${countSeconds} s |`,
      );
  });

  it("says how many bytes a session takes as it was measured", async () => {
    for (const name of ["postgres", "mysql", "sqlite"]) {
      const { sizes } = await measured<Sizes>(name);
      const users = sizes.slice(1);
      says(
        `| ${users.map(({ jsonBytes }) => whole(jsonBytes)).join(" · ")} | ${users.map(({ bytesPerTouchedSession }) => whole(bytesPerTouchedSession)).join(" · ")} |`,
      );
    }
    const { bytesOfMemoryASession } = await measured<{
      bytesOfMemoryASession: Record<string, { dataBytes: number; ofAUser: number }>;
    }>("redis");
    const redis = Object.values(bytesOfMemoryASession);
    says(
      `| ${redis.map(({ dataBytes }) => whole(dataBytes)).join(" · ")} | ${redis.map(({ ofAUser }) => whole(ofAUser)).join(" · ")} |`,
    );
    const [memory] = (await measured<{ results: { bytesEach: number }[] }>("memory")).results;
    says(`| a small one | ${memory?.bytesEach} |`);
  });

  it("reckons as harpiats size does", () => {
    const size = (bytes: number): string =>
      bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
    for (const users of [10_000, 100_000, 1_000_000, 10_000_000]) {
      const { sessions, peakPerSecond, stores } = reckon({
        users,
        idle: 604_800,
        absolute: 2_592_000,
        devices: 1.5,
        daily: 0.3,
        visits: 3,
        requests: 20,
        minutes: 10,
        peak: 3,
        data: 150,
      });
      const perSecond = [peakPerSecond.reads, peakPerSecond.touches, peakPerSecond.signIns]
        .map(whole)
        .join(" · ");
      says(
        `| ${whole(users)} | ${whole(sessions)} | ${perSecond} | ${stores.map(({ bytes }) => size(bytes)).join(" | ")} |`,
      );
    }
  });

  it("says of PostgreSQL's table under touches what was measured", async () => {
    for (const {
      name,
      bytesNew,
      bytesAfterOne,
      bytesAfterAll,
      bytesAfterVacuumAndMore,
      touchesOffTheIndexes,
      logBytesPerTouch,
    } of (await measured<Bloat>("postgres-bloat")).variants) {
      const bytes = [bytesNew, bytesAfterOne, bytesAfterAll, bytesAfterVacuumAndMore]
        .map(whole)
        .join(" | ");
      says(
        `| ${name} | ${bytes} | ${(touchesOffTheIndexes * 100).toFixed(1)} % | ${logBytesPerTouch} |`,
      );
    }
  });
});
