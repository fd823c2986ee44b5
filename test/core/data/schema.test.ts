// The option schema: Standard Schema, by hand and from a library that people use.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as v from "valibot";
import { HarpiaError, MemoryStore, Session, type StandardSchema } from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";

interface Visitor {
  userId: string;
  visits: number;
}

/** Takes a user and, if it is there, a number of visits; counts how often it was asked. */
function visitorSchema(
  isAsync = false,
): StandardSchema<{ userId: string; visits?: number }, Visitor> & { asked: number } {
  const check = (
    value: unknown,
  ): ReturnType<StandardSchema<unknown, Visitor>["~standard"]["validate"]> => {
    schema.asked++;
    const { userId, visits = 0 } = value as Partial<Visitor>;
    const issues = [];
    if (typeof userId !== "string") issues.push({ message: "a user is wanted", path: ["userId"] });
    if (typeof visits !== "number")
      issues.push({
        message: `a number is wanted, not ${String(visits)}`,
        path: [{ key: "visits" }],
      });
    return issues.length > 0 ? { issues } : { value: { userId: userId as string, visits } };
  };
  const schema = {
    asked: 0,
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        isAsync ? Promise.resolve().then(() => check(value)) : check(value),
    },
  };
  return schema;
}

function isInvalid(paths: PropertyKey[][]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof HarpiaError, String(error));
    assert.equal(error.code, "ERR_DATA_INVALID");
    assert.deepEqual(
      error.issues?.map(({ path }) => path),
      paths,
    );
    return true;
  };
}

for (const isAsync of [false, true]) {
  describe(`A schema that answers ${isAsync ? "later" : "at once"}`, () => {
    it("makes what is stored of what comes in", async () => {
      const session = new Session({ schema: visitorSchema(isAsync) });
      const id = await session.create({ userId: "123" });
      assert.deepEqual(await session.get(id), { userId: "123", visits: 0 });
      // What the schema does not know is not stored.
      const other = await session.create({ userId: "123", admin: true } as { userId: string });
      assert.deepEqual(await session.get(other), { userId: "123", visits: 0 });
    });

    it("makes what a request sees of a session that it has just begun", async () => {
      const session = new Session({ schema: visitorSchema(isAsync) });
      const own = session.open({ headers: {} });
      await own.login({ userId: "123" } as Visitor);
      assert.deepEqual(await own.data, { userId: "123", visits: 0 });
      const visitor = session.open({ headers: {} });
      visitor.set("userId", "456");
      await visitor.commit();
      assert.deepEqual(await visitor.data, { userId: "456", visits: 0 });
    });

    it("refuses what does not fit, and nothing is written", async () => {
      const { store, calls } = countCalls(new MemoryStore<Visitor>(), true);
      const session = new Session({ store, schema: visitorSchema(isAsync) });
      await assert.rejects(
        session.create({ userId: 1 as unknown as string, visits: "secret" as unknown as number }),
        isInvalid([["userId"], ["visits"]]),
      );
      assert.deepEqual(calls, []);
      const id = await session.create({ userId: "123" });
      for (const changes of [
        { visits: "secret" as unknown as number },
        () => ({ visits: "secret" as unknown as number }),
      ])
        await assert.rejects(session.update(id, changes), isInvalid([["visits"]]));
      await assert.rejects(session.update(id, { userId: undefined }), isInvalid([["userId"]]));
      assert.deepEqual(await session.get(id), { userId: "123", visits: 0 });
    });

    it("sees the whole of the merged data at an update", async () => {
      const session = new Session({ schema: visitorSchema(isAsync) });
      const id = await session.create({ userId: "123" });
      await Promise.all(
        Array.from({ length: 100 }, () =>
          session.update(id, ({ visits }) => ({ visits: visits + 1 })),
        ),
      );
      assert.deepEqual(await session.get(id), { userId: "123", visits: 100 });
      assert.equal(await session.update(id, { visits: 7 }), true);
      assert.deepEqual(await session.get(id), { userId: "123", visits: 7 });
    });

    it("names fields in the message and never values", async () => {
      const session = new Session({ schema: visitorSchema(isAsync) });
      await assert.rejects(
        session.create({ userId: "123", visits: "secret" as unknown as number }),
        { message: "Cannot store session data: the schema refused visits, see error.issues" },
      );
    });
  });
}

describe("A schema", () => {
  it("is asked for nothing by what is no session and by reading", async () => {
    const schema = visitorSchema();
    const session = new Session({ schema });
    const id = await session.create({ userId: "123" });
    schema.asked = 0;
    await session.get(id);
    await session.fromRequest({ headers: { cookie: `session_id=${id}` } });
    await session.update("malformed", { visits: 1 });
    await session.delete(id);
    await session.update(id, { visits: 1 });
    assert.equal(schema.asked, 0);
  });

  it("that throws is the application's own error", async () => {
    const failure = new Error("of the schema");
    const schema: StandardSchema<Visitor> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          throw failure;
        },
      },
    };
    await assert.rejects(new Session({ schema }).create({ userId: "123", visits: 0 }), failure);
  });

  it("of valibot types the data, transforms it and refuses with its words", async () => {
    const schema = v.object({
      userId: v.string(),
      email: v.pipe(v.string(), v.trim(), v.toLowerCase(), v.email()),
      role: v.optional(v.picklist(["user", "admin"]), "user"),
      cart: v.optional(
        v.array(
          v.object({ sku: v.string(), count: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
        ),
        [],
      ),
    });
    const session = new Session({ schema });
    const id = await session.create({ userId: "123", email: "  Ada@Example.com " });
    const found = (await session.get(id)) ?? assert.fail();
    const role: "user" | "admin" = found.role;
    assert.equal(role, "user");
    assert.deepEqual(found, { userId: "123", email: "ada@example.com", role: "user", cart: [] });
    assert.equal(await session.update(id, { cart: [{ sku: "a", count: 2 }] }), true);
    await assert.rejects(
      session.update(id, { cart: [{ sku: "a", count: 0 }] }),
      isInvalid([["cart", 0, "count"]]),
    );
    await assert.rejects(
      session.create({ userId: "123", email: "no address" }),
      isInvalid([["email"]]),
    );
    assert.deepEqual((await session.get(id))?.cart, [{ sku: "a", count: 2 }]);
  });
});
