// What `npm start` runs: the login demo on http://127.0.0.1:3000, or on PORT and HOST from the environment.
import { loginApp } from "./app.ts";

const { PORT = "3000", HOST = "127.0.0.1" } = process.env;

function stop(why: string): never {
  console.error(`Cannot start the demo: ${why}`);
  process.exit(1);
}

if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65_535) stop(`PORT is ${JSON.stringify(PORT)}, a number from 0 to 65535 is wanted`);

const app = loginApp().onError((error) => console.error(error));
const server = app.listen({ port: Number(PORT), hostname: HOST });

try {
  await server.ready;
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  stop(code === "EADDRINUSE" ? `port ${PORT} of ${HOST} is in use, set PORT to another one` : message);
}

console.log(`The login demo is on ${server.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
