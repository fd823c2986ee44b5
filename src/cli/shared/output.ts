// Text for terminals and for programs. What users put into a session may be hostile to the terminal
// that shows it: nothing that does not show leaves here as it is.
import { escapeUnseen } from "../../core/unseen.ts";
import { type CommandIo, write } from "./command-io.ts";

/** A value of somebody else's as text, safe to print. What is no text is shown as JSON. */
export function printable(value: unknown): string {
  return escapeUnseen(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
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
export function row(cells: readonly unknown[], widths: readonly number[]): string {
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
  cells: readonly (readonly unknown[])[],
  right: readonly number[] = [],
): string {
  const lines = cells.map((line) => line.map(printable));
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...lines.map((line) => (line[at] ?? "").length)),
  );
  const pad = (cell: string, at: number): string =>
    right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
  return lines.map((line) => `${line.map(pad).join("  ").trimEnd()}\n`).join("");
}

// What a cut leaves of a pair.
const HALF = /[\ud800-\udbff]$/;

function fit(cell: string, width: number | undefined): string {
  if (width === undefined) return cell;
  return cell.length > width
    ? `${cell.slice(0, width - 1).replace(HALF, "")}…`
    : cell.padEnd(width);
}

/** `2026-11-23 19:04:05`, in UTC; `unknown` where a record holds no instant. */
export function instant(at: number): string {
  return Number.isNaN(new Date(at).getTime())
    ? "unknown"
    : new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
