// Prints the steps of a check: one line for each, more only for those that fail. Whoever calls goes
// on after a failure, so that one run shows all of them, unless the rest would fail for the same
// reason.

/** A list of steps, done one after another. */
export class Steps {
  #failed = 0;

  /**
   * Does one step. A rejection is its failure, and the error's message the reason.
   *
   * @returns whether it went well.
   */
  async do(name: string, step: () => Promise<unknown>): Promise<boolean> {
    const startedAt = performance.now();
    let failure: string | undefined;
    try {
      await step();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      this.#failed++;
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${failure === undefined ? "ok  " : "FAIL"} ${name} (${seconds} s)\n`);
    if (failure !== undefined) process.stdout.write(`${failure.replace(/^/gm, "     ")}\n`);
    return failure === undefined;
  }

  /** Makes the process exit with 1 if any step failed. */
  end(): void {
    if (this.#failed > 0) process.exitCode = 1;
  }
}
