// A near cache in one process and changes in another, over a real server and its own messages. What
// it does when they are late or lost, to the turn, test/core/near-cache*.test.ts tells.
import assert from "node:assert/strict";
import { toStoreKey } from "../../src/core/ids/session-id.ts";
import {
  Session,
  type SessionOptions,
  type SessionStore,
  type StoreChange,
} from "../../src/session.ts";
import type { Fields, TestRunner } from "../../src/testing/conformance-bench.ts";
import { countCalls } from "../support/counting-store.ts";
import { pauseCalls } from "../support/pausing-store.ts";
import { within } from "../support/waits.ts";

/** Two stores over one server, each with connections of its own. */
export interface TwoStores {
  here: SessionStore<Fields>;
  elsewhere: SessionStore<Fields>;
  /** Breaks the connection by which messages come. */
  breakMessages(): Promise<unknown>;
  close(): Promise<unknown>;
}

// What is done, and what the session holds afterwards beside its user: nothing where it has ended.
const CHANGES: Record<
  string,
  [
    change: (session: Session<Fields>, id: string, userId: string) => Promise<unknown>,
    left?: Fields,
  ]
> = {
  "an update": [(session, id) => session.update(id, { n: 2 }), { n: 2 }],
  "many updates at once": [
    (session, id) => Promise.all([...other(session, 20), session.update(id, { n: 2 })]),
    { n: 2 },
  ],
  "an exact update": [(session, id) => session.update(id, () => ({ n: 2 })), { n: 2 }],
  "a logout": [(session, id) => session.delete(id)],
  "a rotation": [(session, id) => session.rotate(id)],
  "an end by its handle": [(session, id, userId) => session.revoke(toStoreKey(id), { userId })],
  revokeAll: [(session, _, userId) => session.revokeAll(userId)],
  revokeEverything: [(session) => session.revokeEverything()],
  "a login over the cap": [(session, _, userId) => session.create({ userId })],
};

function other(session: Session<Fields>, count: number): Promise<unknown>[] {
  return Array.from({ length: count }, async () =>
    session.update(await session.create({}), { n: 2 }),
  );
}

/** Holds a near cache over a store to seeing what other processes do as soon as it is told. */
export function nearCacheSuite(
  { describe, it, before, after }: TestRunner,
  { name, open }: { name: string; open(): Promise<TwoStores> },
): void {
  describe(`A near cache over ${name}`, () => {
    const options: SessionOptions<Fields> = { maxPerUser: { limit: 1, onLimit: "evict-oldest" } };
    const told: StoreChange[] = [];
    let onTold = (): void => {};
    let stores: TwoStores;
    let reads: string[];
    let pause: ReturnType<typeof pauseCalls>["pause"];
    let here: Session<Fields>;
    let elsewhere: Session<Fields>;
    let stop: (() => Promise<void>) | undefined;
    let users = 0;
    before(async () => {
      stores = await open();
      const pausing = pauseCalls(stores.here);
      const counting = countCalls(pausing.store, false);
      reads = counting.calls;
      pause = pausing.pause;
      // Whatever is seen in time was told by a message.
      here = new Session({ ...options, store: counting.store, nearCache: { maxAge: 3600 } });
      elsewhere = new Session({ ...options, store: stores.elsewhere });
      await turn();
      // Behind the near cache: it has heard what is told here.
      stop = await stores.here.subscribe?.((change) => {
        told.push(change);
        onTold();
      });
      await turn();
    });
    after(async () => {
      await here?.close();
      await stop?.();
      await stores?.close();
    });

    /** Waits for a message, from the call on. */
    function hear(isIt: (change: StoreChange) => boolean): Promise<void> {
      const from = told.length;
      const isHeard = new Promise<void>((resolve) => {
        onTold = () => void (told.slice(from).some(isIt) && resolve());
      });
      return within("the message", isHeard, { seen: () => JSON.stringify(told.slice(from)) });
    }
    const ofKey =
      (id: string) =>
      (change: StoreChange): boolean =>
        change.type === "cleared" || ("key" in change && change.key === toStoreKey(id));

    /** A session that the near cache holds. */
    async function kept(): Promise<{ id: string; userId: string }> {
      const userId = `near-${process.pid}-${++users}`;
      const id = await elsewhere.create({ userId, n: 1 });
      await here.get(id);
      assert.deepEqual(await readsOf(id), []);
      return { id, userId };
    }

    async function readsOf(id: string): Promise<string[]> {
      reads.length = 0;
      await here.get(id);
      return [...reads];
    }

    for (const [what, [change, left]] of Object.entries(CHANGES)) {
      it(`drops a record at ${what} elsewhere`, async () => {
        const { id, userId } = await kept();
        const heard = hear(ofKey(id));
        await change(elsewhere, id, userId);
        await heard;
        assert.deepEqual(await here.get(id), left && { userId, ...left });
      });

      it(`does not keep what was being read at ${what} elsewhere`, async () => {
        const userId = `near-${process.pid}-${++users}`;
        const id = await elsewhere.create({ userId, n: 1 });
        const held = pause("read", "after");
        const reading = here.get(id);
        await held.reached;
        const heard = hear(ofKey(id));
        await change(elsewhere, id, userId);
        await heard;
        held.go();
        await reading;
        assert.deepEqual(await here.get(id), left && { userId, ...left });
      });
    }

    it("drops all when the connection for messages breaks, and keeps again as soon as it hears", async () => {
      const { id } = await kept();
      const lost = hear(({ type }) => type === "lost");
      await stores.breakMessages();
      await lost;
      const isBack = hear(({ type }) => type === "listening");
      await elsewhere.delete(id);
      assert.equal(await here.get(id), undefined);
      await isBack;
      const next = await kept();
      const heard = hear(ofKey(next.id));
      await elsewhere.delete(next.id);
      await heard;
      assert.equal(await here.get(next.id), undefined);
    });
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
