// Reads numbers, counts and times as people write them: 500, 10M, 1.5k, 7d.
import { InvalidArgumentError } from "commander";

const MULTIPLES: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** How many: `500`, `10k`, `1.5M`. */
export function readCount(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text) ?? [];
  const count = Math.round(Number(number) * (MULTIPLES[unit.toLowerCase()] ?? NaN));
  if (number === "" || !(count >= 1 && count <= 1e12))
    throw new InvalidArgumentError("A number of at least 1 is wanted, such as 500, 10k or 10M.");
  return count;
}

/** How long, in seconds: `90s`, `15m`, `12h`, `7d`. */
export function readDuration(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([smhdw])$/i.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit.toLowerCase()] ?? NaN);
  if (number === "" || !(seconds >= 1))
    throw new InvalidArgumentError("A time is wanted, such as 90s, 15m, 12h or 7d.");
  return seconds;
}

/** A number above 0. */
export function readNumber(text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(number > 0 && number <= 1e9)) throw new InvalidArgumentError("A number above 0 is wanted.");
  return number;
}

/** A share: `0.3` or `30%`. */
export function readShare(text: string): number {
  const [, number = "", percent = ""] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === "" ? 1 : 100);
  if (number === "" || !(share > 0 && share <= 1))
    throw new InvalidArgumentError("A share is wanted, such as 0.3 or 30%.");
  return share;
}

/** A port of this machine; 0 for any that is free. */
export function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError("A port from 0 to 65535 is wanted.");
  return Number(text);
}
