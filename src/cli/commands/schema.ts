// `harpiats schema`: the SQL of the tables, to read or to run.
import { schemaOf } from "../../stores/open/schema.ts";
import { type CommandIo, write } from "../shared/command-io.ts";
import { CommandError, DONE } from "../shared/exit-codes.ts";
import { withProgress } from "../shared/progress.ts";
import { type StoreOptions, storeUrl, usingStore } from "../shared/store-option.ts";

export async function schema(
  io: CommandIo,
  options: StoreOptions & { apply?: boolean },
): Promise<number> {
  const url = storeUrl(io, options);
  const sql = await schemaOf(url).catch((error: Error) => {
    throw new CommandError(error.message);
  });
  if (sql === undefined) {
    await write(io, `${url.address} needs no schema.\n`);
  } else if (options.apply === true) {
    await usingStore(url, { isCreating: true }, (opening) =>
      withProgress(io, "Making the tables", async () => {
        await opening.connect();
        await opening.migrate?.();
      }),
    );
    await write(io, `The tables are there in ${url.address}.\n`);
  } else {
    await write(io, `${sql.trimEnd().replace(/;?$/, ";")}\n`);
  }
  return DONE;
}
