// A reporter beside the real one: a skipped test proves nothing, so its reason is printed at the
// end, where it is seen, and where everything must be there (CI=true) it is a failure.
import type { TestEvent } from "node:test/reporters";

/** Reads the runner's events; prints the skips. */
export default async function* skippedTests(
  events: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  const skips: string[] = [];
  for await (const event of events) {
    if (event.type !== "test:pass") continue;
    const { name, skip, todo } = event.data;
    const reason = skip ?? todo;
    if (reason !== undefined && reason !== false)
      skips.push(`  ${name}: ${reason === true || reason === "" ? "no reason given" : reason}\n`);
  }
  if (skips.length === 0) return;
  const isFailure = process.env.CI === "true";
  if (isFailure) process.exitCode = 1;
  yield `\nSkipped${isFailure ? ", which is a failure under CI=true" : ""}:\n${skips.join("")}`;
}
