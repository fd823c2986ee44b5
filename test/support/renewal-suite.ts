// What holds of a session's ids on every store: over lost answers, slow requests, clocks that
// differ, failed writes, another process's rotation, and a deploy that changes the cookie.
import assert from "node:assert/strict";
import {
  type CookieOptions,
  Session,
  type SessionEvents,
  type SessionOptions,
  type SessionStore,
} from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Fields, OpenedStore, TestRunner } from "../../src/testing/conformance-bench.ts";
import { countCalls } from "./counting-store.ts";
import { until } from "./waits.ts";

export interface RenewalSuiteOptions {
  name: string;
  open(clock: ManualClock): Promise<OpenedStore>;
}

const EVERY = 900;
const OVERLAP = 60;
const TOLD = ["refused", "ended", "error"] as const;

const request = (...ids: (string | undefined)[]) => ({
  headers: { cookie: ids.map((id) => `session_id=${id}`).join("; ") },
});
const idIn = (headers: Headers): string | undefined =>
  headers.getSetCookie()[0]?.slice("session_id=".length).split(";")[0];

/** Holds a store to it. */
export function renewalSuite(
  { describe, it, before, after }: TestRunner,
  { name, open }: RenewalSuiteOptions,
): void {
  describe(`Ids of sessions in ${name}`, () => {
    const clock = new ManualClock();
    let opened: OpenedStore | undefined;
    let users = 0;
    before(async () => void (opened = await open(clock)));
    const sessions: Session<Fields>[] = [];
    after(async () => {
      for (const session of sessions) await session.close();
      await opened?.close?.();
    });
    const store = (): SessionStore<Fields> => opened?.store as SessionStore<Fields>;
    const newUser = (): string => `renewed-${process.pid}-${++users}`;
    const setUp = (options: SessionOptions<Fields> = {}) => {
      const session = new Session<Fields>({
        store: store(),
        clock,
        renewEvery: EVERY,
        renewOverlap: OVERLAP,
        // What is under way does not time out while a test moves the clock.
        storeTimeout: false,
        ...options,
      });
      sessions.push(session);
      const told: string[] = [];
      for (const event of TOLD)
        session.on(event, (one: SessionEvents[typeof event]) => {
          const reason = "reason" in one ? one.reason : "";
          // Those of other tests expire.
          if (reason !== "idle") told.push(`${event} ${reason}`);
        });
      return { session, told };
    };
    /** One request of a browser. @returns the id that its response sets, and whether it was found. */
    const visit = async (session: Session<Fields>, ...ids: (string | undefined)[]) => {
      const own = session.open(request(...ids));
      const data = await own.data;
      if (own.hasChanges) await own.commit();
      const headers = new Headers();
      own.writeTo(headers);
      return { id: idIn(headers), data };
    };

    it("last as long as nobody used the successor: an answer that was lost is given again", async () => {
      const { session, told } = setUp();
      const first = await session.create({ userId: newUser() });
      clock.advance(EVERY * 1000);
      const { id: second } = await visit(session, first);
      for (let hours = 0; hours < 10; hours++) {
        clock.advance(3_600_000);
        const again = await visit(session, first);
        assert.equal(again.id, second);
        assert.ok(again.data);
        assert.ok(await session.get(first));
      }
      assert.ok((await visit(session, second)).data);
      clock.advance(OVERLAP * 1000 - 1);
      assert.deepEqual(told, []);
      const last = await visit(session, first);
      assert.deepEqual([last.id, last.data !== undefined], [undefined, true]);
      clock.advance(1);
      assert.equal((await visit(session, first)).data, undefined);
      assert.deepEqual(told, ["refused superseded", "ended superseded-reuse"]);
      assert.equal(await session.get(second), undefined);
    });

    it("keep those signed in whose page server drops every Set-Cookie", async () => {
      const { session, told } = setUp();
      const first = await session.create({ userId: newUser() });
      for (let hours = 0; hours < 72; hours++) {
        clock.advance(3_600_000);
        assert.ok((await visit(session, first)).data, `after ${hours} hours`);
      }
      assert.deepEqual(told, []);
    });

    it("end nobody's session by the clock of another machine", async () => {
      for (const ahead of [3_600_000, -3_600_000, 120_000]) {
        const other = {
          now: () => clock.now() + ahead,
          schedule: (delay: number, task: () => void) => clock.schedule(delay, task),
        };
        const [here, there] = [setUp(), setUp({ clock: other })];
        const first = await here.session.create({ userId: newUser() });
        clock.advance(EVERY * 1000);
        const { id: second } = await visit(here.session, first);
        assert.ok((await visit(here.session, second)).data);
        // Requests in flight with the former id, on the machine whose clock is wrong.
        clock.advance(1000);
        await visit(there.session, first);
        await there.session.get(first);
        const later = await visit(there.session, second);
        assert.ok(later.data, `${ahead} ms ahead`);
        // It may have renewed too early: here the ids of before are in flight still.
        await visit(here.session, first);
        await visit(here.session, second);
        const current = later.id ?? second;
        assert.ok((await visit(here.session, current)).data, `${ahead} ms ahead`);
        const endings = [...here.told, ...there.told].filter((one) => one.startsWith("ended"));
        assert.deepEqual(endings, [], `${ahead} ms ahead`);
        // Once it is certain, a fork is a fork.
        clock.advance(2 * OVERLAP * 1000);
        await visit(there.session, second);
        await visit(there.session, first);
        assert.equal(await here.session.get(current), undefined, `${ahead} ms ahead`);
      }
    });

    it("are refused once superseded whatever they are used for, also where nobody renews any more", async () => {
      const uses: Record<string, (session: Session<Fields>, id: string, user: string) => unknown> =
        {
          get: (session, id) => session.get(id),
          update: (session, id) => session.update(id, { n: 9 }),
          "update with a function": (session, id) => session.update(id, () => ({ n: 9 })),
          delete: (session, id) => session.delete(id),
          "delete by request": (session, id) => session.delete(request(id)),
          rotate: (session, id) => session.rotate(id),
          reauthenticate: (session, id) => session.reauthenticate(id),
          renew: (session, id) => session.renew(id),
          deadlines: (session, id) => session.deadlines(id),
          fromRequest: (session, id) => session.fromRequest(request(id)),
          "list marks none": async (session, id, user) =>
            (await session.list(user, { current: id })).some(({ isCurrent }) => isCurrent),
          requireFresh: (session, id) =>
            session.requireFresh(id, 1e6).then(
              () => true,
              () => false,
            ),
          // It has spared nothing where it ended the one there was.
          "revokeAll spares none": async (session, id, user) =>
            (await session.revokeAll(user, { except: id })) === 0,
          "watch has fired, or fires": async (session, id) => {
            const signal = session.watch(id);
            await fired(signal);
            return undefined;
          },
        };
      for (const [use, act] of Object.entries(uses))
        for (const kind of ["superseded", "forged"])
          for (const renewEvery of [EVERY, undefined]) {
            const user = newUser();
            const { session } = setUp({ onSuperseded: "report" });
            const { session: later, told } = setUp({ onSuperseded: "report", renewEvery });
            const first = await session.create({ userId: user, n: 1 });
            clock.advance(EVERY * 1000);
            const { id: second } = await visit(session, first);
            await visit(session, second);
            clock.advance(OVERLAP * 1000);
            const bad = kind === "forged" ? first + "x".repeat(27) : first;
            const what = `${use} of one ${kind}, renewEvery ${renewEvery}`;
            const outcome = await act(later, bad, user);
            assert.ok(outcome === undefined || outcome === false, what);
            assert.deepEqual(told, ["refused superseded"], what);
            const isSpared = use !== "revokeAll spares none";
            assert.equal(
              ((await session.get(second)) as Fields | undefined)?.["n"],
              isSpared ? 1 : undefined,
              what,
            );
          }
    });

    it("change in one step of the store: what fails leaves the session as it was", async () => {
      const cases = (["reauthenticate", "rotate"] as const).flatMap((verb) =>
        [undefined, EVERY].flatMap((renewEvery) =>
          ["create", "read", "patch", "move"].flatMap((failing) =>
            ["before", "after"].map((when) => ({ verb, renewEvery, failing, when })),
          ),
        ),
      );
      for (const { verb, renewEvery, failing, when } of cases) {
        const { session } = setUp({ renewEvery });
        const id = await session.create({ userId: newUser() }, { persistent: true });
        clock.advance(60_000);
        const broken = setUp({ renewEvery, store: failingAt(store(), failing, when) });
        const headers = new Headers();
        const what = `${verb}, ${failing} fails ${when} its work, renewEvery ${renewEvery}`;
        const next = await broken.session[verb](id, headers).catch(() => "failed");
        if (next === "failed") {
          assert.equal(headers.getSetCookie().length, 0, what);
          // Lost with its answer is what was done; what was not done has changed nothing.
          if (failing === "move" && when === "after") continue;
          assert.ok(await session.get(id), what);
          await assert.rejects(session.requireFresh(id, 30), { code: "ERR_NOT_FRESH" }, what);
          continue;
        }
        assert.equal(next, idIn(headers), what);
        assert.match(headers.getSetCookie()[0] as string, /Max-Age=\d+/, what);
        assert.ok(await session.get(next), what);
        assert.equal(await session.get(id), undefined, what);
        const fresh = session.requireFresh(next, 30);
        if (verb === "reauthenticate") await fresh;
        else await assert.rejects(fresh, { code: "ERR_NOT_FRESH" }, what);
      }
      const { session } = setUp();
      const id = await session.create({ userId: newUser() });
      const counted = countCalls(store(), false);
      await new Session<Fields>({ store: counted.store, clock }).reauthenticate(id);
      assert.deepEqual(counted.calls, ["read", "move"]);
    });

    it("are renewed later where the store takes no write: whoever reads is not hindered", async () => {
      const { session } = setUp();
      const id = await session.create({ userId: newUser() });
      clock.advance(EVERY * 1000);
      const full = setUp({ store: failingAt(store(), "patch", "before") });
      const own = full.session.open(request(id));
      assert.ok(await own.user);
      await own.commit();
      assert.equal(own.failure, undefined);
      const headers = new Headers();
      own.writeTo(headers);
      assert.deepEqual(headers.getSetCookie(), []);
      assert.deepEqual(full.told, ["error "]);
      assert.equal(await full.session.renew(id), id);
      assert.notEqual((await visit(session, id)).id, undefined);
    });

    it("are not renewed where nobody could keep the cookie", async () => {
      const { session, told } = setUp();
      const id = await session.create({ userId: newUser() });
      clock.advance(EVERY * 1000);
      const sent = {
        headersSent: true,
        getHeader: () => undefined,
        setHeader: () => assert.fail("too late"),
        removeHeader() {},
      };
      assert.equal(await session.renew(id, sent as never), id);
      const counted = countCalls(store(), false);
      const late = new Session<Fields>({ store: counted.store, clock, renewEvery: EVERY });
      const own = late.open(request(id));
      own.seal();
      await own.data;
      await own.commit();
      assert.ok(!counted.calls.includes("patch"));
      assert.deepEqual(told, []);
    });

    it("keep what the cookie is: until the browser closes, or to the session's end", async () => {
      for (const persistent of [false, true]) {
        const { session } = setUp({ longestTimeout: 90 * 86_400 });
        let id = await session.create(
          { userId: newUser() },
          { persistent, absoluteTimeout: 90 * 86_400 },
        );
        const verbs: ((id: string, headers: Headers) => Promise<unknown>)[] = [
          (one, headers) => session.rotate(one, headers),
          (one, headers) => session.reauthenticate(one, headers),
          (one, headers) => session.renew(one, headers),
          async (one, headers) => {
            const own = session.open(request(one));
            await own.rotate();
            own.writeTo(headers);
          },
          async (one, headers) => {
            const own = session.open(request(one));
            await own.reauthenticate();
            own.writeTo(headers);
          },
          async (one, headers) => {
            const own = session.open(request(one));
            await own.data;
            await own.commit();
            own.writeTo(headers);
          },
        ];
        for (const [n, verb] of verbs.entries()) {
          clock.advance(EVERY * 1000);
          const headers = new Headers();
          await verb(id, headers);
          const [line, ...more] = headers.getSetCookie() as [string, ...string[]];
          assert.deepEqual(more, []);
          const left = Math.ceil((90 * 86_400_000 - (n + 1) * EVERY * 1000) / 1000);
          assert.equal(
            /Max-Age=(\d+)/.exec(line)?.[1],
            persistent ? String(left) : undefined,
            line,
          );
          id = idIn(headers) as string;
        }
        const headers = new Headers();
        const next = await session.rotate(id, headers, { maxAge: 5 });
        assert.match(headers.getSetCookie()[0] as string, /Max-Age=5;/);
        assert.ok(await session.get(next));
      }
    });

    it("that another process changed are followed by those who watch, though nobody tells", async () => {
      const silent = setUp({ store: silence(store()), renewEvery: undefined });
      const user = newUser();
      const { session: elsewhere } = setUp();
      let id = await elsewhere.create({ userId: user });
      const beside = await elsewhere.create({ userId: user });
      const [signal, other] = [silent.session.watch(id), silent.session.watch(beside)];
      await settled();
      for (const verb of ["rotate", "reauthenticate", "rotate"] as const) {
        id = (await elsewhere[verb](id)) as string;
        clock.advance(30_000);
        await settled();
        assert.deepEqual([signal.aborted, other.aborted], [false, false], verb);
      }
      await elsewhere.delete(id);
      clock.advance(30_000);
      await fired(signal);
      assert.equal(other.aborted, false);
      assert.equal(await elsewhere.revokeAll(user), 1);
      clock.advance(30_000);
      await fired(other);
    });

    for (const renewEvery of [undefined, EVERY]) {
      const how = renewEvery === undefined ? "without renewal" : "with renewal";
      it(`outlive a deploy that changes the cookie's Domain, Path or Partitioned, ${how}`, async () => {
        const changes: [CookieOptions, CookieOptions][] = [
          [{ domain: "example.com" }, {}],
          [{}, { domain: "example.com" }],
          [{ path: "/" }, { path: "/app" }],
          [{ path: "/app" }, { path: "/" }],
          [{}, { partitioned: true, sameSite: "none" }],
        ];
        for (const [before_, after_] of changes)
          for (const isNewFirst of [false, true]) {
            const formerly = setUp({ cookie: before_, renewEvery });
            const now = setUp({ cookie: after_, renewEvery });
            const jar = new Map<string, string>();
            const what = `${JSON.stringify([before_, after_])}, the new one first: ${isNewFirst}`;
            const keep = (headers: Headers): void => {
              for (const line of headers.getSetCookie()) {
                const [pair = "", ...attributes] = line.split("; ");
                const place = attributes
                  .filter((one) => /^(Domain|Path|Partitioned)/.test(one))
                  .join();
                if (line.includes("Max-Age=0")) jar.delete(place);
                else jar.set(place, pair.slice("session_id=".length));
              }
            };
            const ask = async (
              { session }: ReturnType<typeof setUp>,
              act?: (own: ReturnType<Session<Fields>["open"]>) => Promise<unknown>,
            ): Promise<Fields | undefined> => {
              const ids = [...jar.values()];
              const own = session.open(request(...(isNewFirst ? ids.toReversed() : ids)));
              const user = await own.user;
              await act?.(own);
              if (own.hasChanges) await own.commit();
              const headers = new Headers();
              own.writeTo(headers);
              keep(headers);
              return user;
            };
            const user = newUser();
            await ask(formerly, (own) => own.login({ userId: user }));
            for (const app of [formerly, now, now, now, formerly, now, now]) {
              clock.advance(EVERY * 1000);
              // Several requests, so that the successor is used and its overlap passes.
              for (let n = 0; n < 3; n++) {
                assert.equal((await ask(app))?.["userId"], user, what);
                clock.advance(OVERLAP * 1000);
              }
            }
            assert.equal((await ask(now, (own) => own.rotate()))?.["userId"], user, what);
            assert.equal((await ask(now, (own) => own.reauthenticate()))?.["userId"], user, what);
            assert.equal((await ask(now))?.["userId"], user, what);
            assert.deepEqual(
              [...formerly.told, ...now.told].filter((one) => one !== "refused unknown"),
              [],
              what,
            );
            assert.equal((await now.session.list(user)).length, 1, what);
            await ask(now, (own) => own.destroy());
            assert.equal(await ask(now), undefined, what);
            assert.deepEqual(await now.session.list(user), [], what);
          }
      });
    }
  });
}

/** A store one method of which fails, before it has worked or with its answer. */
function failingAt(
  inner: SessionStore<Fields>,
  method: string,
  when: string,
): SessionStore<Fields> {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "readSync" || name === "patchAll" || name === "extendAll") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      if (name !== method) return value.bind(target);
      return async (...args: unknown[]): Promise<unknown> => {
        if (when === "after") await Reflect.apply(value, target, args);
        throw new Error("OOM command not allowed");
      };
    },
  });
}

// Asks of all stores that are silent here, which are under way.
const asks = new Set<Promise<unknown>>();

/** A store that tells of no change. */
function silence(inner: SessionStore<Fields>): SessionStore<Fields> {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "subscribe" || name === "readSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      return (...args: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, args);
        if (answer instanceof Promise) {
          const ask = answer.catch(() => {}).finally(() => asks.delete(ask));
          asks.add(ask);
        }
        return answer;
      };
    },
  });
}

/** Until all looks, and what follows of them, were answered. */
async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (asks.size > 0) quiet = 0;
    await Promise.all(asks);
  }
}

const fired = (signal: AbortSignal): Promise<void> =>
  until("the signal fires", () => signal.aborted);
