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
      "Looks after the sessions of an application: who is signed in, sign people out, check the store.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "say how a command is used")
    .addHelpText("after", HELP)
    .exitOverride()
    // An error quotes what it does not understand: a store's URL, where --store was forgotten or
    // misspelt.
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(withoutSecrets(text, argv)),
    })
    .showHelpAfterError("(harpiats --help says more)");
  addSessions(program, io, end);

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
    .option(
      "--keep <number>",
      "with --rotate: how many former secrets to keep (default: 1)",
      readCount,
    )
    .option("--json", "print JSON")
    .action(async (options) =>
      end(await (await import("./commands/secret.ts")).secret(io, options)),
    );

  takesStore(
    program
      .command("doctor")
      .description(
        "look for what is wrong with the store, its server and the cookie, and say how to mend it",
      ),
  )
    .option(
      "-c, --config <module>",
      "also look at the Session that this module exports as `session` or by default",
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
    .option("--sessions <number>", "how many", readCount, 2000)
    .option("--concurrency <number>", "how many at a time", readCount, 16)
    .option("--data <bytes>", "how much each session holds", readCount, 150)
    .option("--json", "print JSON")
    .action(async (options) => end(await (await import("./commands/bench.ts")).bench(io, options)));

  addSize(program, io, end);

  takesStore(
    program
      .command("admin")
      .description("serve pages to look at and end sessions, on this machine alone"),
  )
    .option("-p, --port <number>", "the port; 0 for any that is free", readPort, 0)
    .option("--view-only", "nothing can be ended")
    .option(
      "--show-data <fields>",
      "fields of the sessions' data that the pages may show, with commas between",
    )
    .action(async (options) => end(await (await import("./commands/admin.ts")).admin(io, options)));

  tab(program);
  return program;
}

function addSessions(program: Command, io: CommandIo, end: (code: number) => void): void {
  const sessions = program.command("sessions").description("list, show, count and end sessions");
  const looking = async () => import("./commands/sessions-list.ts");

  takesStore(
    sessions.command("list").description("who is signed in, as it comes, however many there are"),
  )
    .option("-u, --user <id>", "only this user's")
    .option("-n, --limit <number>", "at most so many", readCount)
    .option("--show-data", "also what the application keeps in them")
    .option("--json", "print one JSON object a line")
    .action(async (options) => end(await (await looking()).listSessions(io, options)));

  takesStore(
    sessions
      .command("show")
      .description("one session: whose it is, and when it ends")
      .argument("<handle>", "as `sessions list` shows it"),
  )
    .option("--show-data", "also what the application keeps in it")
    .option("--json", "print JSON")
    .action(async (handle: string, options) =>
      end(await (await looking()).showSession(io, handle, options)),
    );

  takesStore(sessions.command("count").description("how many are live; goes through all of them"))
    .option("-u, --user <id>", "only this user's")
    .option("--json", "print JSON")
    .action(async (options) => end(await (await looking()).countSessions(io, options)));

  takesStore(
    sessions
      .command("revoke")
      .description("end one session, all of a user, or all there are")
      .argument("[handle]", "as `sessions list` shows it"),
  )
    .option("-u, --user <id>", "every session of this user")
    .option("--all", "every session of everybody")
    .option("-y, --yes", "do not ask")
    .option("--json", "print JSON")
    .action(async (handle: string | undefined, options) =>
      end(
        await (await import("./commands/sessions-revoke.ts")).revokeSessions(io, handle, options),
      ),
    );
}

function addSize(program: Command, io: CommandIo, end: (code: number) => void): void {
  program
    .command("size")
    .description(
      "reckon memory and operations per second from users, with what was measured; needs no store",
    )
    .requiredOption(
      "--users <number>",
      "users who come back within the idle time, such as 10M",
      readCount,
    )
    .option(
      "--idle <time>",
      "how long a session lives without activity, such as 7d",
      readDuration,
      86_400,
    )
    .option("--absolute <time>", "its absolute limit", readDuration, 2_592_000)
    .option("--devices <number>", "sessions of a user", readNumber, 1.5)
    .option("--daily <share>", "share of the users that come on a day", readShare, 0.3)
    .option("--visits <number>", "visits of such a user on that day", readNumber, 3)
    .option("--requests <number>", "requests in a visit", readNumber, 20)
    .option("--minutes <number>", "how long a visit takes", readNumber, 10)
    .option("--peak <number>", "how many times the average the peak is", readNumber, 3)
    .option("--data <bytes>", "what the application keeps in a session", readCount, 150)
    .option("--json", "print JSON")
    .action(async (options) => end(await (await import("./commands/size.ts")).size(io, options)));
}
