// The command without a store: help, secrets, the calculator, completion.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { runCommand } from "../../src/cli/program.ts";
import type { CommandIo } from "../../src/cli/shared/command-io.ts";
import { MEASURED } from "../../src/cli/shared/measured-numbers.ts";
import { withProgress } from "../../src/cli/shared/progress.ts";
import { Session } from "../../src/session.ts";
import { measuredNumbers } from "../../tools/measured-numbers.ts";
import { commandRunner, spawnNode } from "../support/command.ts";
import { projectFolder } from "../support/project.ts";

const run = commandRunner(runCommand);

describe("harpiats", () => {
  it("helps somebody who has never seen it", async () => {
    const help = await run("--help");
    assert.equal(help.code, 0);
    for (const word of [
      "Start here:",
      "HARPIATS_STORE=redis://",
      "sessions",
      "prune",
      "schema",
      "secret",
      "doctor",
      "bench",
      "size",
      "admin",
      "complete",
      "Exit codes: 0 done",
    ])
      assert.ok(help.out.includes(word), word);
    for (const command of [
      "sessions list",
      "sessions show",
      "sessions count",
      "sessions revoke",
      "prune",
      "schema",
      "secret",
      "doctor",
      "bench",
      "size",
      "admin",
    ]) {
      const { code, out } = await run(`${command} --help`);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: harpiats ${command} .*\n\n\\w.*\n`));
      if (!["secret", "size"].includes(command))
        assert.match(out, /--store <url>.*open the store at this URL/s);
    }
    assert.deepEqual(await run("--version"), { code: 0, out: "0.0.0\n", err: "" });
  });

  it("repeats no password and no session's id that stands where something else is wanted", async () => {
    const id = await new Session().create({});
    const [url, words] = [
      "redis://app:hunter2'@db:6379/0",
      [
        "",
        "doctor",
        "sessions",
        "sessions list --limit",
        "sessions list --stor",
        "size --users",
        "doctor -s x",
      ],
    ];
    for (const given of words.flatMap((word) => [
      `${word} ${url}`,
      `${word}=${url}`,
      `${word} ${id}`,
    ])) {
      const { code, out, err } = await run(given);
      assert.equal(code, 2, given);
      for (const secret of ["hunter2", id]) assert.ok(!`${out}${err}`.includes(secret), err);
    }
    assert.match((await run(url)).err, /^error: unknown command '…'$/m);
    assert.match((await run(`doctor --stor=${url}`)).err, /^error: unknown option '--stor=…'$/m);
  });

  it("makes secrets that Session takes, and rotates them", async () => {
    const { out, err } = await run("secret");
    assert.match(out, /^[\w-]{43}\n$/);
    assert.match(err, /HARPIATS_SECRETS/);
    const first = out.trim();
    const id = await new Session({ secrets: [first] }).create({});
    const rotated = await run("secret --rotate", { env: { HARPIATS_SECRETS: first } });
    const [next, former] = rotated.out.trim().split(",") as [string, string];
    assert.deepEqual([former, next.length], [first, 43]);
    assert.doesNotThrow(() => new Session({ secrets: [next, former] }));
    assert.match(rotated.err, /1\. Put this list.*2\. Wait.*3\. Take the last/s);
    const piped = await run("secret --rotate --keep 2 --json", {
      piped: `${next}\n${former}\nthird`,
    });
    assert.deepEqual((JSON.parse(piped.out) as { secrets: string[] }).secrets.slice(1), [
      next,
      former,
    ]);
    assert.match(piped.err, /Of the former 3 secrets 1 was left out/);
    assert.ok(
      id && !(rotated.err + piped.err + err).includes(first),
      "a secret is in what is told",
    );
  });

  it("reckons with what was measured", async () => {
    assert.deepEqual(
      MEASURED,
      await measuredNumbers(),
      "docs/measured has changed: npx tsc -p tsconfig.run.json && node .build/tools/measured-numbers.js",
    );
    const reckoned = JSON.parse(
      (await run("size --users 10M --idle 7d --devices 1 --json")).out,
    ) as { sessions: number; stores: { store: string; bytesEach: number }[] };
    assert.equal(reckoned.sessions, 10_000_000);
    assert.deepEqual(
      reckoned.stores.map(({ store }) => store),
      ["Redis", "PostgreSQL", "MariaDB", "SQLite"],
    );
    const text = await run("size --users 10M --idle 7d");
    assert.match(
      text.out,
      /^15,000,000 live sessions of 10,000,000 users.*\nRedis +\d+ +[\d.]+ GB/s,
    );
    assert.match(text.err, /Assumed: 1\.5 devices a user/);
  });

  it("completes what is typed, in four shells", async () => {
    // As npm links it.
    const manifest = JSON.parse(await readFile(join(projectFolder, "package.json"), "utf8")) as {
      bin: { harpiats: string };
    };
    const bin = join(projectFolder, manifest.bin.harpiats);
    const [help, commands, options, script, shell] = await Promise.all([
      spawnNode([bin, "--version"]),
      spawnNode([bin, "complete", "--", "sessions", ""]),
      spawnNode([bin, "complete", "--", "sessions", "list", "--"]),
      spawnNode([bin, "complete", "bash"]),
      spawnNode([bin, "complete", "tcsh"]),
    ]);
    assert.match(help.out, /^\d+\.\d+\.\d+\n$/);
    assert.match(commands.out, /^list\tlist live sessions.*^revoke\tend one session/ms);
    assert.match(options.out, /^--limit\t/m);
    assert.match(script.out, /complete -F \w+ harpiats/);
    assert.equal(shell.code, 2);
  });

  it("prints a script for bash that may be sourced again", async () => {
    const { stdout, stderr } = await promisify(execFile)(
      "bash",
      [
        "--norc",
        "-c",
        'script=$("$0" "$1" complete bash) && eval "$script" && eval "$script" && complete -p harpiats',
        process.execPath,
        join(projectFolder, "dist/cli/main.js"),
      ],
      { timeout: 20_000 },
    );
    assert.equal(stderr, "");
    assert.match(stdout, /complete .*-F \w+ harpiats/);
  });

  it("speaks in one voice: each description is an order in lower case, without a full stop", async () => {
    const helps = ["", "sessions", "sessions list", "sessions show", "sessions count"].concat([
      "sessions revoke",
      "prune",
      "schema",
      "secret",
      "doctor",
      "bench",
      "size",
      "admin",
    ]);
    // Verbs of the descriptions. A new one is welcome, a noun is not.
    const verbs =
      /^(also|assume|check|count|create|delete|do|end|estimate|find|give|list|listen|make|measure|open|print|put|run|serve|show|take|with --rotate: keep)\b/;
    for (const command of helps) {
      const { out } = await run(`${command} --help`);
      const [, listed = ""] = /\n(?:Options|Commands):\n(.*)/s.exec(out) ?? [];
      const described = [
        ...listed.replace(/Start here.*/s, "").matchAll(/^ {2}\S.*? {2,}(\S.*)$/gm),
      ];
      assert.ok(described.length > 0, command);
      for (const [, text = ""] of described) {
        assert.match(text, verbs, `${command}: ${text}`);
        assert.doesNotMatch(text, /\.$/, command);
      }
    }
  });

  it("says how far it is, on a terminal and after a second, and takes that back", async () => {
    let written = "";
    let isTold = (): void => {};
    const told = new Promise<void>((resolve) => (isTold = resolve));
    const write = (chunk: unknown, _encoding: string, done: () => void): void => {
      written += String(chunk);
      isTold();
      done();
    };
    // Progress needs nothing else of its surroundings.
    const onTerminal = {
      stderr: Object.assign(new Writable({ write }), { isTTY: true }),
    } as unknown as CommandIo;
    assert.equal(await withProgress(onTerminal, "Counting", async () => 1), 1);
    assert.equal(written, "");
    await withProgress(onTerminal, "Counting", async (progress) => {
      progress.at("1,000 sessions");
      await told;
    });
    // oxlint-disable-next-line no-control-regex
    assert.match(written, /^\r\u001b\[KCounting 1,000 sessions … [1-9]\d* s.*\r\u001b\[K$/s);
    written = "";
    // The same.
    const inLog = { stderr: new Writable({ write }) } as unknown as CommandIo;
    await withProgress(inLog, "Counting", async (progress) => progress.at("1"));
    assert.equal(written, "");
  });
});
