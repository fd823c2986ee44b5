// What `npm start` runs: the login demo on http://127.0.0.1:3000, or on PORT and HOST from the
// environment. Sessions are in a SQLite file where the runtime has SQLite, and wherever
// HARPIATS_STORE says: HARPIATS_STORE=redis://localhost:6379 npm start
import { StoreError } from "harpiats/session";
import { type OpenedStore, openStore } from "harpiats/stores/open";
import { loginApp } from "./app.ts";
import type { Visitor } from "./pages.ts";

const { PORT = "3000", HOST = "127.0.0.1", HARPIATS_STORE } = process.env;
const FILE = "sqlite:.data/login-demo.db";

function stop(why: string): never {
  console.error(`Cannot start the demo: ${why}`);
  process.exit(1);
}

if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65_535)
  stop(`PORT is ${JSON.stringify(PORT)}, a number from 0 to 65535 is wanted`);

/** The store that the environment names, else the file, else memory. */
async function open(): Promise<OpenedStore<Visitor>> {
  try {
    return await openStore<Visitor>(HARPIATS_STORE || FILE);
  } catch (error) {
    // No SQLite here: Node 22.13 and Bun have it.
    const isWithout =
      !HARPIATS_STORE && error instanceof StoreError && error.code === "ERR_STORE_UNSUPPORTED";
    return isWithout ? openStore<Visitor>("memory:") : stop((error as Error).message);
  }
}

const { store, kind, address, close } = await open();
const app = loginApp(store).onError((error) => console.error(error));
const server = app.listen({ port: Number(PORT), hostname: HOST });

try {
  await server.ready;
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  stop(
    code === "EADDRINUSE" ? `port ${PORT} of ${HOST} is in use, set PORT to another one` : message,
  );
}

console.log(`The login demo is on ${server.url}`);
console.log(
  kind === "memory"
    ? "Sessions are in its memory, and end with it."
    : `Sessions are in ${address}, and live on when it ends.`,
);

async function end(): Promise<void> {
  await server.close();
  await close();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end());
