// `harpiats schema`: the SQL of the tables, to read or to run.
import { type CommandIo, write } from "../shared/command-io.ts";
import { DONE } from "../shared/exit-codes.ts";
import { withProgress } from "../shared/progress.ts";
import { type StoreOptions, storeUrl, usingStore } from "../shared/store-option.ts";

export async function schema(
  io: CommandIo,
  options: StoreOptions & { apply?: boolean },
): Promise<number> {
  const url = storeUrl(io, options);
  const isApplied = options.apply === true;
  // Printing needs no server, and no file.
  const place = url.kind === "sqlite" && !isApplied ? { ...url, target: ":memory:" } : url;
  return usingStore(place, { isCreating: isApplied }, async (opening) => {
    const sql = opening.schema?.();
    if (sql === undefined || opening.migrate === undefined) {
      await write(io, `${url.address} needs no schema.\n`);
    } else if (isApplied) {
      await withProgress(io, "Making the tables", async () => {
        await opening.connect();
        await opening.migrate?.();
      });
      await write(io, `The tables are there in ${url.address}.\n`);
    } else {
      await write(io, `${sql.trimEnd().replace(/;?$/, ";")}\n`);
    }
    return DONE;
  });
}
