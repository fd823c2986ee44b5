// `harpiats sessions revoke` and `harpiats prune`: ends sessions. More than one only when somebody
// has confirmed it.
import { ask, canAsk, type CommandIo, tell, write } from "../shared/command-io.ts";
import { CommandError, DONE, FOUND_WANTING } from "../shared/exit-codes.ts";
import { count, writeJson } from "../shared/output.ts";
import { withProgress } from "../shared/progress.ts";
import { type StoreOptions, withStore } from "../shared/store-option.ts";
import { assertHandle } from "./sessions-list.ts";

export interface RevokeOptions extends StoreOptions {
  user?: string;
  all?: boolean;
  yes?: boolean;
  json?: boolean;
}

const EVERYBODY = "sign everybody out";

export async function revokeSessions(
  io: CommandIo,
  handle: string | undefined,
  options: RevokeOptions,
): Promise<number> {
  const { user, all = false } = options;
  if ([handle !== undefined, user !== undefined, all].filter(Boolean).length !== 1)
    throw new CommandError("Which sessions? Give one of: a handle, --user ID, --all");
  if (handle !== undefined) assertHandle(handle);
  else if (options.yes !== true && !canAsk(io))
    throw new CommandError(
      "Nothing was ended: nobody can be asked here. Give --yes to go on without being asked",
    );
  return withStore(io, options, async ({ store }, { address }) => {
    if (handle !== undefined) {
      const isEnded = await store.remove(handle);
      return answer(
        io,
        options,
        isEnded ? 1 : 0,
        isEnded ? "The session has ended." : "There is no live session with this handle.",
      );
    }
    if (user !== undefined) {
      await confirm(
        io,
        options,
        `End every session of this user in ${address}? [y/N] `,
        /^y(es)?$/i,
      );
      const ended = await store.removeByUser(user);
      return answer(
        io,
        options,
        ended,
        ended === 0
          ? "This user has no live session."
          : `${count(ended, "session has", "sessions have")} ended.`,
      );
    }
    await confirm(
      io,
      options,
      `This ends every session in ${address}. Type "${EVERYBODY}" to go on: `,
      new RegExp(`^${EVERYBODY}$`),
    );
    await withProgress(io, "Ending every session", () => store.removeAll());
    return answer(io, options, undefined, "Every session that there was has ended.");
  });
}

export async function prune(
  io: CommandIo,
  options: StoreOptions & { json?: boolean },
): Promise<number> {
  return withStore(io, options, async ({ store }, { kind }) => {
    const pruned = await withProgress(io, "Pruning", () => store.prune());
    if (options.json === true) await writeJson(io, { pruned });
    else
      await write(
        io,
        kind === "redis"
          ? "Redis deletes what has expired by itself: there is nothing to prune.\n"
          : `${count(pruned, "expired session was", "expired sessions were")} deleted.\n`,
      );
    return DONE;
  });
}

async function confirm(
  io: CommandIo,
  { yes }: RevokeOptions,
  question: string,
  wanted: RegExp,
): Promise<void> {
  if (yes === true) return;
  if (!wanted.test((await ask(io, question)).trim())) throw new CommandError("Nothing was ended.");
}

/** @param ended how many, where that is known. */
async function answer(
  io: CommandIo,
  { json }: RevokeOptions,
  ended: number | undefined,
  text: string,
): Promise<number> {
  if (json === true) await writeJson(io, ended === undefined ? { ended: "all" } : { ended });
  else if (ended === 0) tell(io, text);
  else await write(io, `${text}\n`);
  return ended === 0 ? FOUND_WANTING : DONE;
}
