// Runs RedisStore's scripts with what each of them gets, and knows the epoch: the number that every
// record carries, and that ending all sessions changes. It is compared for equality alone, and none
// comes a second time.
import { randomBytes, randomInt } from "node:crypto";
import { setImmediate } from "node:timers";
import type { Clock } from "../../core/clock.ts";
import { isRequestBound } from "../../core/request-bound.ts";
import type { RedisPort } from "./client.ts";
import type { Script } from "./prelude.ts";
import { toText } from "./record.ts";
import { EPOCH } from "./scripts.ts";

// Where the epoch's key was lost, the next one begins anywhere: one that was there before is as
// unlikely as this is large.
const FIRST_EPOCHS = 2 ** 32;

export interface RunnerOptions {
  port: RedisPort;
  prefix: string;
  /** Where changes are published; nothing: nowhere. */
  channel: string;
  clock: Clock;
}

/** What came of a script about one record: the outcome and what else the script answered. */
export interface Outcome {
  outcome: string;
  rest: string[];
}

/** Runs scripts. */
export class Runner {
  readonly prefix: string;
  /** Beside no session and no user's index, and on a sharded server in a slot of its own. */
  readonly epochKey: string;
  readonly #options: RunnerOptions;
  // Names of changes: this process's own part, then a number.
  readonly #ownName = randomBytes(6).toString("hex");
  #changes = 0;
  #asking: Promise<string | undefined> | undefined;

  constructor(options: RunnerOptions) {
    this.prefix = options.prefix;
    this.epochKey = `${options.prefix}epoch`;
    this.#options = options;
  }

  now(): number {
    return this.#options.clock.now();
  }

  /** A name for one change, never used before. */
  nextChange(): string {
    return `${this.#ownName}-${(this.#changes++).toString(36)}`;
  }

  run(
    script: Script,
    keys: string[],
    values: (string | number)[],
    change: string = this.nextChange(),
  ): Promise<unknown> {
    const { port, channel } = this.#options;
    const common = [this.prefix, String(this.now()), channel, change];
    return port.run(script, port.isSharded ? keys : [...keys, this.epochKey], [
      ...common,
      ...values.map(String),
    ]);
  }

  /**
   * Runs a script about one record, at its keys. A sharded server's script has not seen the epoch:
   * that is asked for at the same time. It may have changed a record of another epoch then, which
   * changes nothing, since that is dead for good: it is `missing`.
   */
  async change(script: Script, keys: string[], values: (string | number)[]): Promise<Outcome> {
    const reply = this.run(script, keys, values);
    const [answer, epoch] = this.#options.port.isSharded
      ? await Promise.all([reply, this.epoch()])
      : [await reply, undefined];
    const [outcome, ofEpoch, ...rest] = [answer].flat().map(String);
    const isOver = this.#options.port.isSharded && ofEpoch !== undefined && ofEpoch !== epoch;
    return { outcome: isOver ? "missing" : String(outcome), rest };
  }

  /**
   * The same for a script about several records, on a sharded server about one. It answers with a
   * letter for each, of which `m` is missing, and with texts.
   */
  async changeSeveral(
    script: Script,
    { keys, values, change }: { keys: string[]; values: string[]; change: string },
  ): Promise<{ letters: string; texts: unknown[] }> {
    const { isSharded } = this.#options.port;
    const reply = this.run(script, keys, values, change);
    const [[letters, ofEpoch, ...texts], epoch] = (
      isSharded ? await Promise.all([reply, this.epoch()]) : [await reply, undefined]
    ) as [unknown[], string?];
    const isOver =
      isSharded && ofEpoch !== undefined && ofEpoch !== null && toText(ofEpoch) !== epoch;
    return { letters: isOver ? "m" : toText(letters), texts };
  }

  /**
   * The present epoch; `undefined` where none has begun, or its key was lost: then no record is of
   * it. Who asks in one turn of the event loop gets one answer, which is asked for after all of
   * them have asked.
   */
  epoch(): Promise<string | undefined> {
    if (isRequestBound()) return this.#askForEpoch();
    return (this.#asking ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#asking = undefined;
        this.#askForEpoch().then(resolve, reject);
      });
    }));
  }

  /** Whether the epoch of a record that was seen before is over. If so, it is for good. */
  async isOver(epoch: string): Promise<boolean> {
    return epoch !== (await this.epoch());
  }

  /** The first epoch, as it is now; another process may have begun it. */
  async beginEpoch(): Promise<string> {
    return String(await this.run(EPOCH.begin, this.#epochKeys, [randomInt(FIRST_EPOCHS)]));
  }

  /** Ends every session: what is there is of another epoch from now on. */
  async endEpoch(): Promise<void> {
    await this.run(EPOCH.next, this.#epochKeys, [randomInt(FIRST_EPOCHS)]);
  }

  async #askForEpoch(): Promise<string | undefined> {
    const [epoch] = await this.#options.port.get([this.epochKey]);
    return toEpoch(epoch);
  }

  get #epochKeys(): string[] {
    return this.#options.port.isSharded ? [this.epochKey] : [];
  }
}

/** What is under the epoch's key. Anything but a number is as good as nothing. */
export function toEpoch(text: string | null | undefined): string | undefined {
  return text && /^\d+$/.test(text) ? text : undefined;
}
