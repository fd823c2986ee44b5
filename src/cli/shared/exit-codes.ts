// How the command says what came of it, for scripts. Documented in docs/cli.md and in
// `harpiats --help`.

export const DONE = 0;
/** It ran, and the answer is no: a fault was found, no such session. */
export const FOUND_WANTING = 1;
/** The arguments make no sense, or something was not confirmed: nothing was done. */
export const MISUSED = 2;
/** The store did not do what it was asked, or cannot be reached. */
export const FAILED = 3;

/** Ends the command with a message and a code of its own. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = MISUSED) {
    super(message);
    this.exitCode = exitCode;
  }
}
