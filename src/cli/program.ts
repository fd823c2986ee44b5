// The command's tree: what there is to say, how it is said, and which code it ends with. What each
// command does is in its own file, and is loaded when it is called.
import tab from "@bomb.sh/tab/commander";
import { Command, CommanderError } from "commander";
import { StoreError } from "../core/errors.ts";
import { readCount, readDuration, readNumber, readPort, readShare } from "./arguments.ts";
import { type CommandIo, tell } from "./shared/command-io.ts";
import { CommandError, DONE, FAILED, MISUSED } from "./shared/exit-codes.ts";
import { printable, withoutSecrets } from "./shared/output.ts";
import { takesStore } from "./shared/store-option.ts";

const HELP = `
Start here:
  export HARPIATS_STORE=redis://localhost:6379
  harpiats doctor                      is the store set up so that logout means logout?
  harpiats sessions list --limit 20    who is signed in?

A handle names a session and signs nobody in. Ids are in no store, so no command can show one; what the application
keeps in a session is shown with --show-data alone.

Exit codes: 0 done · 1 the answer is no (a fault, no such session) · 2 wrong arguments, or not confirmed · 3 the store failed`;

/** Runs the command. @returns the exit code. */
export async function runCommand(
  io: CommandIo,
  version: string,
  argv: readonly string[],
): Promise<number> {
  let exitCode = DONE;
  const program = toProgram(io, version, { argv, end: (code) => (exitCode = code) });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    // Help and version end here too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUSED;
    const { message } = error as Error;
    tell(io, `harpiats: ${printable(message)}`);
    if (error instanceof CommandError) return error.exitCode;
    if (!(error instanceof StoreError) && io.env["HARPIATS_DEBUG"])
      tell(io, String((error as Error).stack));
    return FAILED;
  }
}

function toProgram(
  io: CommandIo,
  version: string,
  { argv, end }: { argv: readonly string[]; end: (code: number) => void },
): Command {
  const program = new Command("harpiats")
    .description(
      "Manage the sessions of an application: see who is signed in, sign people out, check the store.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", HELP)
    .exitOverride()
    // An error quotes what it does not understand: a store's URL, where --store was forgotten or
    // misspelt.
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(withoutSecrets(text, argv)),
    })
    .showHelpAfterError("(harpiats --help says more)");
  const sessions = addSessions(program, io, end);

  takesStore(
    program
      .command("prune")
      .description("delete expired sessions now; no session is read after its end anyway"),
  )
    .option("--json", "print JSON")
    .action(async (options) =>
      end(await (await import("./commands/sessions-revoke.ts")).prune(io, options)),
    );

  takesStore(program.command("schema").description("print the SQL of the tables"))
    .option("--apply", "make what is missing, in place of printing it")
    .action(async (options) =>
      end(await (await import("./commands/schema.ts")).schema(io, options)),
    );

  program
    .command("secret")
    .description("make a secret for signed ids (option secrets of Session)")
    .option(
      "--rotate",
      "put a new secret before those in HARPIATS_SECRETS or the standard input, and say what to do",
    )
    .option("--keep <number>", "with --rotate: keep so many former secrets (default: 1)", readCount)
    .option("--json", "print JSON")
    .action(async (options) =>
      end(await (await import("./commands/secret.ts")).secret(io, options)),
    );

  takesStore(
    program
      .command("doctor")
      .description(
        "find what is wrong with the store, its server and the cookie, and say how to mend it",
      ),
  )
    .option(
      "-c, --config <module>",
      "also check the Session that this module exports as `session` or by default",
    )
    .option("--json", "print JSON")
    .action(async (options) =>
      end(await (await import("./commands/doctor.ts")).doctor(io, options)),
    );

  takesStore(
    program
      .command("bench")
      .description(
        "measure your store from here: latency, round trips, sessions in a gigabyte; touches none of your sessions",
      ),
  )
    .option("--sessions <number>", "create so many", readCount, 2000)
    .option("--concurrency <number>", "run so many operations at a time", readCount, 16)
    .option("--data <bytes>", "give each session so many bytes of data", readCount, 150)
    .option("--json", "print JSON")
    .action(async (options) => end(await (await import("./commands/bench.ts")).bench(io, options)));

  addSize(program, io, end);

  takesStore(
    program
      .command("admin")
      .description("serve pages that show and end sessions, on this machine alone"),
  )
    .option("-p, --port <number>", "listen on this port; 0 for any that is free", readPort, 0)
    .option("--view-only", "end nothing")
    .option("--show-data <fields>", "show these fields of the sessions' data, separated by commas")
    .action(async (options) => end(await (await import("./commands/admin.ts")).admin(io, options)));

  tab(program);
  // The words of the packages, in the voice of ours.
  for (const command of [program, sessions])
    command.helpCommand("help [command]", "print the help of a command");
  for (const command of program.commands)
    if (command.name() === "complete")
      withRepeatableScript(command).description(
        "print a script that completes commands in a shell: zsh, bash, fish, powershell",
      );
  return program;
}

/**
 * A script for bash may be sourced again, as every new login shell in a terminal does: tab's makes
 * its names readonly, and says so by an error each time.
 */
function withRepeatableScript(complete: Command): Command {
  /* oxlint-disable no-console -- that is how tab prints a script */
  const { log } = console;
  return complete
    .hook("preAction", () => {
      console.log = (text: unknown, ...others: unknown[]) =>
        log(typeof text === "string" ? text.replace(/^readonly (?=\w+=)/gm, "") : text, ...others);
    })
    .hook("postAction", () => void (console.log = log));
  /* oxlint-enable no-console */
}

function addSessions(program: Command, io: CommandIo, end: (code: number) => void): Command {
  const sessions = program.command("sessions").description("list, show, count and end sessions");
  const looking = async () => import("./commands/sessions-list.ts");

  takesStore(sessions.command("list").description("list live sessions, page by page"))
    .option("-u, --user <id>", "take only this user's")
    .option("-n, --limit <number>", "list at most so many", readCount)
    .option("--show-data", "also print what the application keeps in them")
    .option("--json", "print one JSON object a line")
    .action(async (options) => end(await (await looking()).listSessions(io, options)));

  takesStore(
    sessions
      .command("show")
      .description("show one session: whose it is, and when it ends")
      .argument("<handle>", "as `sessions list` shows it"),
  )
    .option("--show-data", "also print what the application keeps in it")
    .option("--json", "print JSON")
    .action(async (handle: string, options) =>
      end(await (await looking()).showSession(io, handle, options)),
    );

  takesStore(sessions.command("count").description("count live sessions; reads all of them"))
    .option("-u, --user <id>", "take only this user's")
    .option("--json", "print JSON")
    .action(async (options) => end(await (await looking()).countSessions(io, options)));

  takesStore(
    sessions
      .command("revoke")
      .description("end one session, all of a user, or all there are")
      .argument("[handle]", "as `sessions list` shows it"),
  )
    .option("-u, --user <id>", "end every session of this user")
    .option("--all", "end every session of everybody")
    .option("-y, --yes", "do not ask")
    .option("--json", "print JSON")
    .action(async (handle: string | undefined, options) =>
      end(
        await (await import("./commands/sessions-revoke.ts")).revokeSessions(io, handle, options),
      ),
    );
  return sessions;
}

function addSize(program: Command, io: CommandIo, end: (code: number) => void): void {
  program
    .command("size")
    .description("estimate memory and operations per second from a number of users; needs no store")
    .requiredOption(
      "--users <number>",
      "assume so many users who come back within the idle time, such as 10M",
      readCount,
    )
    .option(
      "--idle <time>",
      "end a session after so long without activity, such as 7d",
      readDuration,
      86_400,
    )
    .option(
      "--absolute <time>",
      "end a session at the latest after so long",
      readDuration,
      2_592_000,
    )
    .option("--devices <number>", "assume so many sessions of each user", readNumber, 1.5)
    .option("--daily <share>", "assume that this share of the users comes on a day", readShare, 0.3)
    .option("--visits <number>", "assume so many visits of such a user on that day", readNumber, 3)
    .option("--requests <number>", "assume so many requests in a visit", readNumber, 20)
    .option("--minutes <number>", "assume that a visit takes so long", readNumber, 10)
    .option("--peak <number>", "assume a peak of so many times the average", readNumber, 3)
    .option("--data <bytes>", "assume so many bytes of data in a session", readCount, 150)
    .option("--json", "print JSON")
    .action(async (options) => end(await (await import("./commands/size.ts")).size(io, options)));
}
