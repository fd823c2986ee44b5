// A stream of server-sent events that ends when its session does: somebody signs out in another
// tab. Runs to its end by itself, on a port of its own.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Session } from "harpiats/session";

const session = new Session<{ userId: string }>();

const server = createServer((req, res) => {
  void (async () => {
    if (!(await session.userFromRequest(req))) return void res.writeHead(401).end();
    res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    res.write("data: hello\n\n");
    // The visitor went away: nobody needs to watch any more.
    const closed = new AbortController();
    res.on("close", () => closed.abort());
    const ended = session.watch(req, closed.signal);
    const end = (): void => void res.end("event: signed-out\ndata:\n\n");
    if (ended.aborted) end();
    else ended.addEventListener("abort", end);
  })();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

const id = await session.create({ userId: "ada" });
// It listens on TCP.
const { port } = server.address() as AddressInfo;
const stream = await fetch(`http://127.0.0.1:${port}/`, {
  headers: { cookie: `session_id=${id}` },
});
const decoder = new TextDecoder();
for await (const chunk of stream.body ?? []) {
  const text = decoder.decode(chunk, { stream: true });
  for (const line of text.split("\n").filter(Boolean)) console.log(`the stream: ${line}`);
  if (!text.includes("hello")) continue;
  console.log("another tab signs out");
  await session.delete(id);
}
console.log("the stream has ended");
server.close();
