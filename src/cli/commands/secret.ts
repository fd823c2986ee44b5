// `harpiats secret`: makes the secrets that sign ids, and the list for a rotation. Keeps none and
// takes none as an argument: other users of a machine can read those.
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { type CommandIo, tell, write } from "../shared/command-io.ts";
import { CommandError, DONE } from "../shared/exit-codes.ts";
import { writeJson } from "../shared/output.ts";

export interface SecretOptions {
  rotate?: boolean;
  keep?: number;
  json?: boolean;
}

// 256 bits: as many as the signature has.
const BYTES = 32;
const KEEP = 1;

export async function secret(io: CommandIo, options: SecretOptions): Promise<number> {
  const former = options.rotate === true ? await readSecrets(io) : [];
  if (options.rotate !== true && options.keep !== undefined)
    throw new CommandError("--keep belongs to --rotate");
  const secrets = [
    randomBytes(BYTES).toString("base64url"),
    ...former.slice(0, options.keep ?? KEEP),
  ];
  if (options.json === true) await writeJson(io, { secrets });
  else await write(io, `${secrets.join(",")}\n`);
  for (const line of options.rotate === true
    ? rotationSteps(former.length, secrets.length - 1)
    : FIRST_STEPS)
    tell(io, line);
  return DONE;
}

const FIRST_STEPS = [
  "Keep it where the application reads its secrets, such as HARPIATS_SECRETS, and nowhere else:",
  '  new Session({ secrets: process.env.HARPIATS_SECRETS?.split(",") })',
];

function rotationSteps(had: number, kept: number): string[] {
  return [
    `The first signs from now on; the other${kept === 1 ? "" : "s"} only verify. What to do:`,
    "  1. Put this list in the place of the old one, and restart every process.",
    "  2. Wait as long as a session may live (absoluteTimeout, 30 days by default), or sign everybody out.",
    "  3. Take the last secret from the list: what it signed is refused from then on.",
    ...(had > kept
      ? [
          `Of the former ${had} secrets ${had - kept} ${had - kept === 1 ? "was" : "were"} left out: what ${had - kept === 1 ? "it" : "they"} signed is refused at once. --keep N keeps more.`,
        ]
      : []),
  ];
}

/** The list as it is, from the pipe or the environment. */
async function readSecrets(io: CommandIo): Promise<string[]> {
  const given = io.env["HARPIATS_SECRETS"] ?? (io.stdin.isTTY === true ? "" : await text(io.stdin));
  const secrets = given.split(/[\s,]+/).filter((one) => one !== "");
  if (secrets.length === 0)
    throw new CommandError(
      "Which secrets are to be rotated? Set HARPIATS_SECRETS to the list as it is, the newest first, or send it to the standard input",
    );
  return secrets;
}
