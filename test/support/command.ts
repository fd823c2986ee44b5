// Runs `harpiats` in this process, with streams that a test reads, or as the program that it is.
import { execFile } from "node:child_process";
import { PassThrough, Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import type { CommandIo } from "../../src/cli/shared/command-io.ts";

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface Surroundings {
  env?: Record<string, string | undefined>;
  /** What somebody types, at a terminal; or what comes through a pipe. */
  typed?: string;
  piped?: string;
  now?: () => number;
}

export type RunCommand = (
  io: CommandIo,
  version: string,
  argv: readonly string[],
) => Promise<number>;

/**
 * A function that runs the command, with the same surroundings each time unless it is told others.
 */
export function commandRunner(runCommand: RunCommand, usual: Surroundings = {}) {
  return async (argv: string, given: Surroundings = {}): Promise<Ran> => {
    const { env = {}, typed, piped, now = Date.now } = { ...usual, ...given };
    const [out, err]: [string[], string[]] = [[], []];
    const isTTY = typed !== undefined;
    const into = (chunks: string[]) => {
      const write = (chunk: unknown, _encoding: string, done: () => void): void => {
        chunks.push(String(chunk));
        done();
      };
      return Object.assign(new Writable({ write }), { isTTY });
    };
    const stdin = Object.assign(
      typed === undefined
        ? Readable.from(piped === undefined ? [] : [piped])
        : new PassThrough().end(typed),
      { isTTY },
    );
    const code = await runCommand(
      { stdin, stdout: into(out), stderr: into(err), env, now },
      "0.0.0",
      argv.split(" ").filter((word) => word !== ""),
    );
    return { code, out: out.join(""), err: err.join("") };
  };
}

/** Runs a program of node's to its end. */
export async function spawnNode(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, HARPIATS_STORE: "", ...env },
    });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    // What execFile rejects with.
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}
