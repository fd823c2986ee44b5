// `harpiats admin`: the pages of harpiats/admin, on this machine alone and for whoever has the link that it prints.
import type { CommandIo } from "./command-io.ts";
import { CommandError } from "./exit-codes.ts";
import type { StoreOptions } from "./store-option.ts";

export interface AdminCommandOptions extends StoreOptions {
  port: number;
  viewOnly?: boolean;
  showData?: string;
}

export async function admin(_io: CommandIo, _options: AdminCommandOptions): Promise<number> {
  throw new CommandError("not there yet");
}
