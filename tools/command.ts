// Runs programs for the tools: quietly, showing what they said only when they fail, or in the open.
// Never through a shell.
import type { StdioOptions } from "node:child_process";
import { spawn } from "../test/support/children.ts";

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Whether what it printed as errors and warnings belongs to the output. Default no. */
  withErrors?: boolean;
}

/**
 * Runs a program and gives its standard output.
 *
 * @throws Error with all that it printed when it does not exit with 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, output, errors } = await start(program, args, options, ["ignore", "pipe", "pipe"]);
  if (code !== 0)
    throw new Error(
      `${program} ${args.join(" ")} exited with ${code}\n${output}${errors}`.trimEnd(),
    );
  return options.withErrors === true ? output + errors : output;
}

/** Runs a program that prints for itself. @returns its exit code. */
export async function show(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<number> {
  return (await start(program, args, options, ["ignore", "inherit", "inherit"])).code;
}

interface Outcome {
  code: number;
  output: string;
  errors: string;
}

function start(
  program: string,
  args: readonly string[],
  options: CommandOptions,
  stdio: StdioOptions,
): Promise<Outcome> {
  const { env, withErrors: _, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...rest, stdio, env: { ...process.env, ...env } });
    let output = "";
    let errors = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    // Ended by a signal is not ended well.
    child.on("close", (code) => resolve({ code: code ?? 1, output, errors }));
  });
}
