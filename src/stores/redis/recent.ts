// Remembers the text of each record that this process has read or written lately. A change sends the
// new text along, computed from the remembered one. The script compares and replaces, which costs
// a third of merging; if the record has changed since, the script merges.
import type { PatchFields } from "./record.ts";

// Requests that are under way at once, and more: a change mostly follows the read of the same
// request.
const MOST_TEXTS = 4096;
// Characters: beyond it, what is sent twice costs more than what the server saves. What is kept
// stays within some 8 MB.
const LONGEST_TEXT = 2048;

/** What a change would make of a record, if it still is as it was. */
export interface Guess {
  before: string;
  after: string;
}

/** A change as it will be asked for. */
export interface NamedChange {
  name: string;
  now: number;
  ifRevision: number | undefined;
  hasFacts: boolean;
  fields: PatchFields;
}

/** Records as texts, by key. None of them is ever given out as what is stored. */
export class RecentTexts {
  // Emptied when it is full: to find the oldest would cost more than the few guesses that are
  // missed.
  readonly #texts = new Map<string, string>();
  /** The epoch that all remembered records belong to. */
  #epoch = "";

  get epoch(): string {
    return this.#epoch;
  }

  /** @param epoch the present one, and the record's. */
  keep(key: string, text: string, epoch: string): void {
    if (epoch !== this.#epoch || this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#epoch = epoch;
    if (text.length <= LONGEST_TEXT) this.#texts.set(key, text);
    else this.#texts.delete(key);
  }

  forget(key: string): void {
    this.#texts.delete(key);
  }

  /**
   * @param change its name, what it is, and when it is made.
   * @returns `undefined` where nothing is known, or what is known does not answer whether the
   * change may be made.
   */
  guess(key: string, change: NamedChange): Guess | undefined {
    const before = this.#texts.get(key);
    const after = before === undefined ? undefined : changedText(before, change);
    return before === undefined || after === undefined ? undefined : { before, after };
  }
}

const HEAD =
  /^\{"harpia":1,"revision":(\d+)(,"createdAt":-?\d+,"lastSeenAt":-?\d+,"expiresAt":(-?\d+),"endsAt":-?\d+,"epoch":\d+,"change":")[\dA-Za-z-]*"/;
const DATA = ',"data":{';

/**
 * The same that the script of a patch does, for a record that is live and of the wanted revision,
 * and for data alone.
 */
function changedText(
  text: string,
  { name, now, ifRevision, hasFacts, fields }: NamedChange,
): string | undefined {
  const [head, revision, deadlines, expiresAt] = HEAD.exec(text) ?? [];
  if (
    hasFacts ||
    head === undefined ||
    Number(expiresAt) <= now ||
    (ifRevision !== undefined && ifRevision !== Number(revision))
  )
    return undefined;
  // No name and no value has a line break: the first one is behind the head.
  const lineEnd = text.indexOf("\n");
  if (!text.startsWith(DATA, lineEnd - DATA.length) || !text.endsWith("\n}}")) return undefined;
  // From the break before the first field to the one behind the last.
  let body = text.slice(lineEnd, -2);
  if (body === "\n\n") body = "\n";
  for (const [field, value] of fields)
    body = value === "" ? withoutField(body, field) : withField(body, field, value);
  if (body === "\n") body = "\n\n";
  return `{"harpia":1,"revision":${Number(revision) + 1}${deadlines}${name}"${text.slice(head.length, lineEnd)}${body}}}`;
}

function withField(body: string, name: string, value: string): string {
  const from = body.indexOf(`\n${name}`);
  if (from === -1) return `${body.length > 1 ? `${body.slice(0, -1)},\n` : "\n"}${name}${value}\n`;
  const till = body.indexOf("\n", from + 1);
  return `${body.slice(0, from + 1)}${name}${value}${till < body.length - 1 ? "," : ""}${body.slice(till)}`;
}

function withoutField(body: string, name: string): string {
  const from = body.indexOf(`\n${name}`);
  if (from === -1) return body;
  const till = body.indexOf("\n", from + 1);
  // The line before it is the last now, and ends without a comma.
  if (till === body.length - 1 && from > 0) return `${body.slice(0, from - 1)}\n`;
  return body.slice(0, from) + body.slice(till);
}
