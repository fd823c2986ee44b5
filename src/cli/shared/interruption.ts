// Ctrl+C while there is something that has to be taken away again: the task is told, and tidies up
// before the command ends.
import { CommandError } from "./exit-codes.ts";

// As shells say which signal ended a program: 128 and its number.
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const SIGNALS = Object.keys(CODES) as (keyof typeof CODES)[];

/**
 * Runs a task that a signal stops where it asks for that, and no sooner. A second signal ends the
 * process at once.
 *
 * @param task is given a function that throws once a signal has come.
 */
export async function interruptible<T>(task: (assertGoesOn: () => void) => Promise<T>): Promise<T> {
  let heard: keyof typeof CODES | undefined;
  const hear = (signal: NodeJS.Signals): void => {
    heard = SIGNALS.find((one) => one === signal);
    deafen();
  };
  const deafen = (): void => SIGNALS.forEach((signal) => process.off(signal, hear));
  for (const signal of SIGNALS) process.on(signal, hear);
  try {
    return await task(() => {
      if (heard !== undefined) throw new CommandError("Interrupted", CODES[heard]);
    });
  } finally {
    deafen();
  }
}
