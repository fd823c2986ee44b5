// An HTTP/2 server behind a front that speaks HTTP/1.1 to it, for tests that ask by fetch: each
// request is a stream of its own, and headers go on as soon as they come.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { type Listening, listen } from "./listen.ts";

/** Headers that HTTP/2 has no use for (RFC 9113 8.2.2). */
const HOP_BY_HOP = ["connection", "keep-alive", "host", "transfer-encoding", "upgrade"];

export async function listenHttp2(
  listener: (req: Http2ServerRequest, res: Http2ServerResponse) => void,
): Promise<Listening> {
  const server = createHttp2Server(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address with one.
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const forward = (req: IncomingMessage, res: ServerResponse): void => {
    const headers = Object.fromEntries(
      Object.entries(req.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
    );
    const stream = client.request({ ...headers, ":path": req.url, ":method": req.method });
    stream.on("response", ({ ":status": status = 0, ...received }) => {
      res
        .writeHead(
          status,
          Object.fromEntries(Object.entries(received).filter(([name]) => !name.startsWith(":"))),
        )
        .flushHeaders();
      // Not before: on Deno the body may come first.
      stream.pipe(res);
    });
    stream.on("error", (error) => res.destroy(error));
    req.pipe(stream);
  };
  const front = await listen(createServer(forward));
  return {
    url: front.url,
    async close() {
      await front.close();
      client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
