// RequestSession: what one request reads, writes and owes its response.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  HarpiaError,
  MemoryStore,
  type RequestSession,
  Session,
  StoreError,
} from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";
import { pauseCalls } from "../../support/pausing-store.ts";

interface Data {
  userId?: string;
  cart?: string[];
  count?: number;
  theme?: string;
}

function setting() {
  const { store, calls } = countCalls(new MemoryStore<Data>(), false);
  const session = new Session<Data>({ store });
  const open = (id?: string): RequestSession<Data> =>
    session.open({ headers: { cookie: id === undefined ? undefined : `session_id=${id}` } });
  const idFrom = (headers: Headers): string | undefined =>
    /session_id=(\w[^;]*)/.exec(headers.getSetCookie().join())?.[1];
  /** Commits and answers, as an adapter does. */
  const answer = async (request: RequestSession<Data>): Promise<Headers> => {
    await request.commit();
    const headers = new Headers();
    request.writeTo({ headers });
    return headers;
  };
  return { session, open, answer, idFrom, calls };
}

describe("RequestSession", () => {
  it("asks the store nothing when nothing is asked of it", async () => {
    const { session, open, answer, calls } = setting();
    const id = await session.create({ userId: "1" });
    calls.length = 0;
    const headers = await answer(open(id));
    assert.deepEqual([calls, [...headers]], [[], []]);
  });

  it("reads once and writes nothing for a request that only reads", async () => {
    const { session, open, answer, calls } = setting();
    const id = await session.create({ userId: "1", count: 3 });
    calls.length = 0;
    const request = open(id);
    assert.deepEqual(await request.data, { userId: "1", count: 3 });
    assert.equal(await request.get("count"), 3);
    assert.equal(await request.get("theme"), undefined);
    const headers = await answer(request);
    assert.deepEqual(calls, ["read"]);
    assert.deepEqual(
      [...headers],
      [
        ["cache-control", "private, no-store"],
        ["vary", "Cookie"],
      ],
    );
  });

  it("asks the store nothing for an anonymous request, and sends no cookie", async () => {
    const { open, answer, calls } = setting();
    const request = open();
    assert.deepEqual(
      [await request.data, await request.get("cart"), await request.deadlines, request.isNew],
      [undefined, undefined, undefined, false],
    );
    assert.deepEqual([...(await answer(request))], [["vary", "Cookie"]]);
    assert.deepEqual(calls, []);
  });

  it("begins a session at the commit of the first data, with one cookie and no-store", async () => {
    const { session, open, answer, idFrom, calls } = setting();
    const request = open();
    request.set("theme", "dark");
    assert.deepEqual(await request.data, { theme: "dark" });
    assert.deepEqual(calls, []);
    const headers = await answer(request);
    assert.equal(request.isNew, true);
    assert.deepEqual(calls, ["create"]);
    assert.equal(headers.getSetCookie().length, 1);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.deepEqual(await session.get(idFrom(headers)), { theme: "dark" });
  });

  it("writes the changed fields alone, so that parallel requests never undo one another", async () => {
    const { session, open, answer, calls } = setting();
    const id = await session.create({ userId: "1" });
    const requests = Array.from({ length: 100 }, () => open(id));
    await Promise.all(requests.map((request) => request.data));
    requests.forEach((request, n) => request.set(`field${n}` as "theme", `${n}`));
    calls.length = 0;
    for (const headers of await Promise.all(requests.map(answer)))
      assert.deepEqual(headers.getSetCookie(), []);
    assert.deepEqual(
      calls,
      Array.from({ length: 100 }, () => "patch"),
    );
    assert.equal(Object.keys((await session.get(id)) ?? {}).length, 101);
  });

  it("takes what was set as it was at that moment, and gives copies", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ cart: ["a"] });
    const request = open(id);
    const cart = ["b"];
    request.set("cart", cart);
    cart.push("c");
    (await request.get("cart"))?.push("d");
    await answer(request);
    assert.deepEqual(await session.get(id), { cart: ["b"] });
    assert.throws(() => request.set("count", 1n as unknown as number), TypeError);
  });

  it("removes fields, and updates by object and by function", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ count: 1, theme: "dark" });
    const request = open(id);
    request.unset("theme");
    await request.update({ cart: ["x"] });
    assert.equal(await request.update((data) => ({ count: (data.count ?? 0) + 1 })), true);
    assert.deepEqual(await request.data, { count: 2, cart: ["x"] });
    await answer(request);
    assert.deepEqual(await session.get(id), { count: 2, cart: ["x"] });
    assert.equal(await open().update(() => undefined), false);
  });

  it("does not bring back a session that ends during the request, and sends no cookie", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ userId: "1" });
    const request = open(id);
    request.set("theme", "late");
    await request.data;
    await session.delete(id);
    const headers = await answer(request);
    assert.deepEqual(headers.getSetCookie(), []);
    request.set("theme", "later");
    assert.deepEqual((await answer(request)).getSetCookie(), []);
    assert.equal(await session.get(id), undefined);
  });

  it("begins a new session over a cookie that was dead already", async () => {
    const { session, open, answer, idFrom } = setting();
    const id = await session.create({ userId: "1" });
    await session.delete(id);
    const request = open(id);
    request.set("theme", "new");
    const next = idFrom(await answer(request));
    assert.notEqual(next, id);
    assert.deepEqual(await session.get(next), { theme: "new" });
  });

  it("login gives a new id and none of the former user's data", async () => {
    const { session, open, answer, idFrom } = setting();
    const a = await session.create({ userId: "A", cart: ["secret"] });
    const request = open(a);
    request.set("theme", "dark");
    await request.login({ userId: "B" }, { keep: ["cart", "theme"] });
    const b = idFrom(await answer(request));
    assert.notEqual(a, b);
    assert.deepEqual([await session.get(a), await session.get(b)], [undefined, { userId: "B" }]);
  });

  it("login keeps of an anonymous session what it is told to", async () => {
    const { session, open, answer, idFrom } = setting();
    const anonymous = await session.create({ cart: ["book"], theme: "dark" });
    const request = open(anonymous);
    await request.login({ userId: "B" }, { keep: ["cart"] });
    assert.deepEqual(await request.data, { userId: "B", cart: ["book"] });
    assert.deepEqual(await session.get(idFrom(await answer(request))), {
      userId: "B",
      cart: ["book"],
    });
    assert.equal(await session.get(anonymous), undefined);
  });

  it("rotates: the old id is dead, the cookie follows", async () => {
    const { session, open, answer, idFrom } = setting();
    const id = await session.create({ userId: "1" });
    const request = open(id);
    request.set("count", 1);
    assert.equal(await request.rotate(), true);
    const next = idFrom(await answer(request));
    assert.deepEqual(
      [await session.get(id), await session.get(next)],
      [undefined, { userId: "1", count: 1 }],
    );
    assert.equal(await open().rotate(), false);
  });

  it("destroy is terminal for the request, and takes the cookie back", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ userId: "1" });
    const request = open(id);
    request.set("theme", "lost");
    await request.destroy();
    assert.equal(await session.get(id), undefined);
    assert.equal(await request.data, undefined);
    const refused = (error: unknown): boolean =>
      error instanceof HarpiaError && error.code === "ERR_SESSION_ENDED";
    assert.throws(() => request.set("theme", "x"), refused);
    await assert.rejects(request.login({ userId: "2" }), refused);
    const [cookie, ...others] = (await answer(request)).getSetCookie();
    assert.match(
      cookie ?? "",
      /^session_id=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$/,
    );
    assert.deepEqual(others, []);
  });

  it("a flash message is seen by exactly one of many requests", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ userId: "1" });
    const first = open(id);
    first.flash("notice", { text: "saved" });
    await answer(first);
    assert.deepEqual(await open(id).data, { userId: "1" });
    const seen = await Promise.all(Array.from({ length: 20 }, () => open(id).takeFlash("notice")));
    assert.deepEqual(
      seen.filter((message) => message !== undefined),
      [{ text: "saved" }],
    );
    assert.equal(await open(id).takeFlash("notice"), undefined);
  });

  it("takes back its own flash message", async () => {
    const { open, answer } = setting();
    const request = open();
    request.flash("notice", "saved");
    assert.equal(await request.takeFlash("notice"), "saved");
    assert.equal(await request.takeFlash("notice"), undefined);
    assert.deepEqual((await answer(request)).getSetCookie(), []);
  });

  it("discard writes nothing and ends a session that began here", async () => {
    const { session, open, answer, calls } = setting();
    const id = await session.create({ userId: "1" });
    const request = open(id);
    request.set("theme", "x");
    await request.discard();
    await answer(request);
    assert.deepEqual(await session.get(id), { userId: "1" });
    const login = open();
    await login.login({ userId: "2" });
    calls.length = 0;
    await login.discard();
    assert.deepEqual((await answer(login)).getSetCookie(), []);
    assert.deepEqual(calls, ["remove"]);
  });

  it("can be changed and committed again", async () => {
    const { session, open, answer } = setting();
    const id = await session.create({ userId: "1" });
    const request = open(id);
    request.set("count", 1);
    await answer(request);
    request.set("count", 2);
    await request.commit();
    assert.equal((await session.get(id))?.count, 2);
  });

  it("refuses what would need a cookie after the headers, before anything is stored", async () => {
    const { session, open, answer, calls } = setting();
    const id = await session.create({ userId: "1" });
    const late = open();
    await answer(late);
    late.seal();
    calls.length = 0;
    const refused = (error: unknown): boolean =>
      error instanceof HarpiaError && error.code === "ERR_HEADERS_SENT";
    late.set("theme", "x");
    await assert.rejects(late.commit(), refused);
    await assert.rejects(late.login({ userId: "2" }), refused);
    assert.deepEqual(calls, []);
    const streaming = open(id);
    streaming.seal();
    streaming.set("count", 7);
    await streaming.commit();
    await assert.rejects(streaming.rotate(), refused);
    assert.deepEqual(await session.get(id), { userId: "1", count: 7 });
  });

  it("takes back what was stored while the headers left, or while the session was destroyed: nobody would ever get its cookie", async () => {
    const inner = new MemoryStore<Data>();
    const { store, pause } = pauseCalls(inner);
    const session = new Session<Data>({ store });
    for (const [end, code] of [
      ["seal", "ERR_HEADERS_SENT"],
      ["destroy", "ERR_SESSION_ENDED"],
    ] as const) {
      for (const begin of [
        (own: RequestSession<Data>) => own.login({ userId: "1" }),
        (own: RequestSession<Data>) => (own.set("theme", "x"), own.commit()),
      ]) {
        const own = session.open({ headers: {} });
        const { reached, go } = pause("create", "after");
        const began = begin(own);
        await reached;
        await own[end]();
        go();
        await assert.rejects(began, (error) => error instanceof HarpiaError && error.code === code);
        assert.equal(await inner.count(), 0);
      }
    }
  });

  it("says of a rotation that came too late that its cookie is lost", async () => {
    const { store, pause } = pauseCalls(new MemoryStore<Data>());
    const session = new Session<Data>({ store });
    const own = session.open({
      headers: { cookie: `session_id=${await session.create({ userId: "1" })}` },
    });
    const { reached, go } = pause("move", "after");
    const rotated = own.rotate();
    await reached;
    own.seal();
    go();
    await assert.rejects(
      rotated,
      (error) => error instanceof HarpiaError && error.code === "ERR_HEADERS_SENT",
    );
  });

  it("a store that is down fails the commit, and no cookie goes out", async () => {
    const store = new MemoryStore<Data>();
    const session = new Session<Data>({
      store: new Proxy(store, {
        get: (target, name) =>
          name === "create"
            ? () => Promise.reject(new Error("down"))
            : Reflect.get(target, name, target),
      }),
    });
    const request = session.open({ headers: {} });
    request.set("theme", "x");
    await assert.rejects(request.commit(), StoreError);
    const headers = new Headers();
    request.writeTo({ headers });
    assert.deepEqual(headers.getSetCookie(), []);
  });
});
