// The node adapter on real listeners of http and http2, and behind Connect-like middleware.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { withSession } from "../../src/adapters/node.ts";
import { adapterConformance } from "../../src/testing.ts";

adapterConformance({ describe, it, before, after }, {
  name: "node http",
  async start(session, handle) {
    const server = createServer(
      withSession(session, async (req, res, own) => {
        const { status, headers, body } = await handle(own, req.url ?? "/");
        res.writeHead(status, headers).end(body);
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, close: async () => void server.close(), };
  },
});
