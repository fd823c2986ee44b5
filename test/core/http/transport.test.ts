// The bearer transport: an id counts where the application said that it comes, and nowhere else.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Session } from "../../../src/session.ts";

type Data = { userId?: string; n?: number };

const login = async (session: Session<Data>): Promise<{ id: string; headers: Headers }> => {
  const own = session.open({ headers: {} });
  await own.login({ userId: "a" });
  const headers = new Headers();
  own.writeTo(headers);
  return { id: headers.get("x-auth-token") ?? "", headers };
};

describe("Session.fromRequest with a response", () => {
  it("tells caches what the response depends on, beside what it says already", async () => {
    for (const [transport, header] of [
      ["cookie", "Cookie"],
      ["bearer", "Authorization"],
    ] as const) {
      const res = new Headers({ vary: "Accept" });
      await new Session<Data>({ transport }).fromRequest({ headers: {} }, res);
      assert.equal(res.get("vary"), `Accept, ${header}`);
    }
  });
});

describe("transport: bearer", () => {
  it("writes the id to X-Auth-Token, uncached, and no cookie", async () => {
    const session = new Session<Data>({ transport: "bearer" });
    const { id, headers } = await login(session);
    assert.match(id, /^[\w-]{32}$/);
    assert.deepEqual(
      [headers.getSetCookie(), headers.get("cache-control"), headers.get("vary")],
      [[], "no-store", "Authorization"],
    );
    const res = new Headers();
    session.setCookie(res, id);
    assert.deepEqual([res.get("x-auth-token"), res.getSetCookie()], [id, []]);
  });

  it("reads it from Authorization: Bearer alone", async () => {
    const session = new Session<Data>({ transport: "bearer" });
    const { id } = await login(session);
    for (const authorization of [`Bearer ${id}`, `bearer ${id}`, `BEARER   ${id} `])
      assert.deepEqual(await session.fromRequest({ headers: { authorization } as object }), {
        userId: "a",
      });
    assert.deepEqual(
      await session.fromRequest(
        new Request("http://localhost", { headers: { authorization: `Bearer ${id}` } }),
      ),
      { userId: "a" },
    );
    const elsewhere: Record<string, string>[] = [
      { cookie: `session_id=${id}` },
      { authorization: id },
      { authorization: `Basic ${id}` },
      { authorization: `Bearer${id}` },
      { authorization: `Bearer ${id}, Bearer ${id}` },
      { authorization: "Bearer" },
      { authorization: "Bearer " },
      { "x-auth-token": id },
    ];
    for (const headers of elsewhere)
      assert.equal(
        await session.fromRequest({ headers }),
        undefined,
        JSON.stringify(Object.keys(headers)),
      );
    const cookies = new Session<Data>();
    const own = await cookies.create({ userId: "b" });
    assert.equal(
      await cookies.fromRequest({ headers: { authorization: `Bearer ${own}` } as object }),
      undefined,
    );
  });

  it("asks the store nothing for what is no id", async () => {
    const session = new Session<Data>({ transport: "bearer" });
    const refused: unknown[] = [];
    session.on("refused", (event) => refused.push(event));
    for (const token of ["x", "ä".repeat(32), "a b", "%", "A".repeat(100_000)])
      assert.equal(
        await session.fromRequest({ headers: { authorization: `Bearer ${token}` } as object }),
        undefined,
      );
    assert.deepEqual(
      refused,
      Array.from({ length: 5 }, () => ({ reason: "malformed" })),
    );
  });

  it("says with an empty token that the session has ended, and gives the next one at a rotation", async () => {
    const session = new Session<Data>({ transport: "bearer" });
    const { id } = await login(session);
    const rotated = new Headers();
    const next = await session.rotate(id, rotated);
    assert.equal(rotated.get("x-auth-token"), next);
    const ended = new Headers();
    assert.equal(await session.delete(next, ended), true);
    assert.deepEqual([ended.get("x-auth-token"), ended.get("cache-control")], ["", "no-store"]);
  });

  it("is a word of two", () => {
    // @ts-expect-error: no such transport.
    assert.throws(() => new Session({ transport: "query" }), {
      name: "TypeError",
      message: /^Invalid option transport: got a string, expected "cookie" or "bearer"$/,
    });
  });
});
