// rediss:// on a server that speaks TLS alone: with each client, and refused where the certificate
// is not to be trusted.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { makeCertificate, skipWithoutOpenssl } from "../support/certificate.ts";
import { type Ran, spawnNode } from "../support/command.ts";
import { installPackage, type InstalledPackage } from "../support/installed-package.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

for (const driver of ["redis", "ioredis"]) {
  describe(`rediss:// with ${driver}`, { skip: skipWithoutRedis() || skipWithoutOpenssl() }, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let installed: InstalledPackage;
    let server: RedisServer;
    let trusting: Record<string, string>;
    const count = (url: string, env: Record<string, string>): Promise<Ran> =>
      spawnNode([installed.bin, "sessions", "count", "--store", url], env);

    before(async () => {
      folder = await temporaryFolder();
      const { certificate, key, authority } = await makeCertificate(folder.path, ["IP:127.0.0.1"]);
      server = await startRedisServer({ tls: { certificate, key } });
      installed = await installPackage([driver]);
      trusting = { NODE_EXTRA_CA_CERTS: authority };
    });
    after(async () => {
      await server?.stop();
      await installed?.remove();
      await folder?.remove();
    });

    it("counts the sessions of a server whose authority is known", async () => {
      const { code, out, err } = await count(server.url, trusting);
      assert.deepEqual([code, out.trim()], [0, "0"], err);
    });

    it("refuses a certificate of an authority that is not, and one for another name", async () => {
      const unknown = await count(server.url, {});
      assert.equal(unknown.code, 3, unknown.out);
      assert.match(
        unknown.err,
        /^harpiats: Cannot open rediss:\/\/127\.0\.0\.1:\d+: .*certificate/m,
      );
      const misnamed = await count(server.url.replace("127.0.0.1", "localhost"), trusting);
      assert.equal(misnamed.code, 3, misnamed.out);
      assert.match(misnamed.err, /altnames|does not match/i);
    });

    it("says it soon where the server does not speak TLS, and where TLS is not asked for", async () => {
      const plain = await startRedisServer();
      const asked = await count(plain.url.replace("redis:", "rediss:"), trusting);
      await plain.stop();
      const unasked = await count(server.url.replace("rediss:", "redis:"), trusting);
      assert.deepEqual([asked.code, unasked.code], [3, 3]);
      for (const { err } of [asked, unasked])
        assert.match(err, /^harpiats: Cannot open rediss?:\/\/127\.0\.0\.1:\d+: ./m);
    });
  });
}
