// What tests over real HTTP share: an app that listens until the test has ended, a browser's cookie
// jar, raw requests.
import { connect } from "node:net";
import type { App, ListenOptions, Server } from "../../src/index.ts";

interface HasAfter {
  after(task: () => Promise<void>): void;
}

/** Listens on a free port of this machine until the test has ended. */
export async function serveApp(
  t: HasAfter,
  app: App,
  options: ListenOptions = {},
): Promise<Server> {
  const server = app.listen({ port: 0, hostname: "127.0.0.1", ...options });
  await server.ready;
  t.after(() => server.close({ grace: 0.1 }));
  return server;
}

/** Keeps cookies between requests as a browser does, as far as one host and whole paths go. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0)
      headers.set(
        "cookie",
        [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      );
    const response = await fetch(this.#origin + path, { redirect: "manual", ...init, headers });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  async json(path: string): Promise<unknown> {
    return (await this.fetch(path)).json();
  }

  /** Sends a form as a page of the same site does. */
  post(path: string, fields: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: this.#origin },
    });
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(at + 1));
  }
}

/**
 * Sends bytes as they are and gives back everything that comes until the server closes: for what no
 * client would send.
 */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text, "latin1");
  });
}
