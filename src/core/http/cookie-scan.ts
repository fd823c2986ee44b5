// The hot path's own read of a Cookie header: the values of one name, without parsing the others.
// A property test holds it against the `cookie` package on every input.

// Names are trimmed of SP and HTAB and of nothing else (RFC 6265bis 5.6; CVE-2020-8184,
// CVE-2022-31629).
const SPACE = 0x20;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/**
 * The values of the cookies with this name, raw, in the order of the header. One value comes as a
 * string, since that is nearly always all there is.
 */
export function scanCookies(header: string, name: string): string | string[] | undefined {
  let first: string | undefined;
  let all: string[] | undefined;
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at)) {
    const end = at + name.length;
    const equals = skipBlanks(header, end);
    if (header.charCodeAt(equals) !== EQUALS || !beginsPair(header, at)) {
      // Nothing between here and `equals` but blanks: the next hit is behind them.
      at = end;
      continue;
    }
    const semicolon = header.indexOf(";", equals);
    const stop = semicolon === -1 ? header.length : semicolon;
    const value = trim(header, equals + 1, stop);
    if (first === undefined) first = value;
    else (all ??= [first]).push(value);
    at = stop;
  }
  return all ?? first;
}

function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--;
  return before < 0 || header.charCodeAt(before) === SEMICOLON;
}

function skipBlanks(header: string, at: number): number {
  while (isBlank(header.charCodeAt(at))) at++;
  return at;
}

function trim(header: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(header.charCodeAt(start))) start++;
  while (end > start && isBlank(header.charCodeAt(end - 1))) end--;
  return header.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
