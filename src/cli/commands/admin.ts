// `harpiats admin`: the pages of harpiats/admin, on this machine alone, for whoever has the link
// that it prints, until it is ended.
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createAdmin } from "../../admin/admin.ts";
import { Session } from "../../core/session/session.ts";
import { type CommandIo, tell, write } from "../shared/command-io.ts";
import { CommandError, DONE } from "../shared/exit-codes.ts";
import { type AnyData, type StoreOptions, withStore } from "../shared/store-option.ts";

export interface AdminCommandOptions extends StoreOptions {
  port: number;
  viewOnly?: boolean;
  showData?: string;
}

const LOOPBACK = "127.0.0.1";
// Other users of this machine can reach the port, and so can pages in the browser: none of them
// knows the path.
const SECRET_BYTES = 24;

export async function admin(io: CommandIo, options: AdminCommandOptions): Promise<number> {
  return withStore(io, options, async ({ store }, { address }) => {
    const basePath = `/${randomBytes(SECRET_BYTES).toString("base64url")}`;
    const session = new Session<AnyData>({ store });
    const pages = createAdmin<AnyData>({
      session,
      basePath,
      authorize: (_request, action) => action === "view" || options.viewOnly !== true,
      showData: options.showData?.split(",").filter((field) => field !== "") ?? [],
      title: address,
    });
    const server = createServer((req, res) => {
      // A name of somebody else's that leads here (DNS rebinding) would be another origin.
      if (req.headers.host === `${LOOPBACK}:${portOf(server)}`) return pages.node(req, res);
      res.statusCode = 403;
      res.end("Forbidden");
    });
    await listen(server, options.port);
    await write(io, `http://${LOOPBACK}:${portOf(server)}${basePath}\n`);
    tell(
      io,
      `Whoever has this link, on this machine, can see who is signed in${options.viewOnly === true ? "" : " and sign people out"}. Ctrl+C ends it.`,
    );
    await new Promise((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    pages.close();
    await session.close();
    return DONE;
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new CommandError(
          error.code === "EADDRINUSE"
            ? `port ${port} is in use: --port gives another one`
            : error.message,
        ),
      ),
    );
    server.listen(port, LOOPBACK, resolve);
  });
}
