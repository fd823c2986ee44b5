// docs/events.md and docs/opentelemetry.md list every event and every reason that there is, and
// none that there is not.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { projectFolder } from "../support/project.ts";

const source = await readFile(`${projectFolder}src/core/events/events.ts`, "utf8");
const [events, otel] = await Promise.all(
  ["events", "opentelemetry"].map((name) => readFile(`${projectFolder}docs/${name}.md`, "utf8")),
);

/** The members of a union of texts. */
function membersOf(type: string): string[] {
  const [, union = ""] = new RegExp(`type ${type} =([^;]+);`).exec(source) ?? [];
  return [...union.matchAll(/"([\w-]+)"/g)].map(([, member = ""]) => member);
}

function eventNames(): string[] {
  const [, body = ""] = /interface SessionEvents \{([\s\S]*?)\n\}/.exec(source) ?? [];
  return [...body.matchAll(/^ {2}(\w+): \{/gm)].map(([, name = ""]) => name);
}

/** What the first column of the table under this heading names. */
function firstColumn(page: string, heading: string): string[] {
  const rows =
    page
      .slice(page.indexOf(`| ${heading}`))
      .split("\n\n")[0]
      ?.split("\n")
      .slice(2) ?? [];
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name),
  );
}

describe("docs/events.md", () => {
  it("lists every event, and every reason of an end and of a refusal", () => {
    assert.ok(events !== undefined && eventNames().length > 5);
    assert.deepEqual(firstColumn(events, "event |").sort(), eventNames().sort());
    assert.deepEqual(firstColumn(events, "`ended`, reason").sort(), membersOf("EndReason").sort());
    assert.deepEqual(
      firstColumn(events, "`refused`, reason").sort(),
      membersOf("RefusalReason").sort(),
    );
  });
});

describe("docs/opentelemetry.md", () => {
  it("lists every reason", () => {
    for (const [metric, type] of [
      ["ended", "EndReason"],
      ["refused", "RefusalReason"],
    ]) {
      const [row = ""] =
        otel?.split("\n").filter((line) => line.startsWith(`| \`harpiats.session.${metric}\``)) ??
        [];
      const listed = [...(row.split("`harpiats.reason`")[1] ?? "").matchAll(/`([\w-]+)`/g)].map(
        ([, reason = ""]) => reason,
      );
      assert.deepEqual(listed.sort(), membersOf(String(type)).sort());
    }
  });
});
