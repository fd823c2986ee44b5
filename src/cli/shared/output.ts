// Text for terminals and for programs. What users put into a session may be hostile to the terminal
// that shows it: no control character and nothing that turns the direction of writing leaves here
// as it is.
import { type CommandIo, write } from "./command-io.ts";

// C0 but tab and newline of our own, DEL, C1, and the bidirectional controls (Trojan Source,
// CVE-2021-42574).
// oxlint-disable-next-line no-control-regex
const HOSTILE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text of somebody else's, safe to print. */
export function printable(text: string): string {
  return text.replace(
    HOSTILE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

// What a URL or a session's id looks like, signed or not.
const SECRET = /[a-z][a-z0-9+.-]*:\/\/.*$|^[\w-]{32}(?:\.[\w-]+)?$/is;

/**
 * A text that may quote words of the command line, without those that may hold a password or be the
 * id of a session.
 */
export function withoutSecrets(text: string, words: readonly string[]): string {
  return words
    .flatMap((word) => SECRET.exec(word) ?? [])
    .reduce((left, secret) => left.replaceAll(secret, "…"), text);
}

/** One line of JSON, safe to print. */
export async function writeJson(io: CommandIo, value: unknown): Promise<void> {
  // JSON.stringify escapes some of them; the others stand in texts, where \u means the same.
  await write(io, `${printable(JSON.stringify(value))}\n`);
}

/** A line of columns, each cut to its width but the last. */
export function row(cells: readonly string[], widths: readonly number[]): string {
  return `${cells
    .map((cell, at) => fit(printable(cell), widths[at]))
    .join("  ")
    .trimEnd()}\n`;
}

/**
 * A whole table, each column as wide as its widest cell.
 *
 * @param right columns whose cells stand at the right.
 */
export function table(
  lines: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...lines.map((cells) => (cells[at] ?? "").length)),
  );
  const pad = (cell: string, at: number): string =>
    right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, at) => pad(printable(cell), at))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function fit(cell: string, width: number | undefined): string {
  if (width === undefined) return cell;
  return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
}

/** `2026-11-23 19:04:05`, in UTC. */
export function instant(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
