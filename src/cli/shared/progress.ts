// Says on a terminal how far a long task is: after a second of silence, on one line that it takes
// back in the end.
import type { CommandIo } from "./command-io.ts";

const SILENCE = 1000;
const INTERVAL = 200;

export interface Progress {
  /** So much is done by now. */
  at(done: string): void;
}

/** Runs a task. @param what what is being done, such as "Counting". */
export async function withProgress<T>(
  io: CommandIo,
  what: string,
  task: (progress: Progress) => Promise<T>,
): Promise<T> {
  // A pipe or a log gets no line that is written over.
  if (io.stderr.isTTY !== true) return task({ at: () => {} });
  const began = performance.now();
  let done = "";
  let isShown = false;
  const show = (): void => {
    const elapsed = performance.now() - began;
    if (elapsed < SILENCE) return;
    isShown = true;
    io.stderr.write(
      `\r\u001b[K${what}${done === "" ? "" : ` ${done}`} … ${Math.floor(elapsed / 1000)} s`,
    );
  };
  const timer = setInterval(show, INTERVAL);
  let lastAt = began;
  try {
    return await task({
      at(text) {
        done = text;
        // A task that never waits gives a timer no turn.
        if (performance.now() - lastAt < INTERVAL) return;
        lastAt = performance.now();
        show();
      },
    });
  } finally {
    clearInterval(timer);
    if (isShown) io.stderr.write("\r\u001b[K");
  }
}
