// The command's surroundings: what it writes to, reads and asks. One object, so that nothing below
// it reaches for the process.
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export type MaybeTerminal<Stream> = Stream & { readonly isTTY?: boolean | undefined };

export interface CommandIo {
  readonly stdin: MaybeTerminal<Readable>;
  readonly stdout: MaybeTerminal<Writable>;
  readonly stderr: MaybeTerminal<Writable>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Writes, and waits while the other side is slow: a million lines do not gather in memory. */
export async function write(io: CommandIo, text: string): Promise<void> {
  if (io.stdout.write(text) || io.stdout.destroyed) return;
  await Promise.race([once(io.stdout, "drain"), once(io.stdout, "close")]);
}

/** For people who look on: what is no result. */
export function tell(io: CommandIo, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** Whether somebody is there to be asked. */
export function canAsk(io: CommandIo): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** Asks for a line. */
export async function ask(io: CommandIo, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
