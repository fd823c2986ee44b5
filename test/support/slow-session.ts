// Sessions whose store takes longer to create one than a handler that looks again.
import { MemoryStore, Session } from "../../src/session.ts";

/** Some turns of the event loop. */
export async function turns(count = 8): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** A store that takes some turns to create a session. */
export class SlowStore<Data extends object> extends MemoryStore<Data> {
  override async create(
    ...args: Parameters<MemoryStore<Data>["create"]>
  ): ReturnType<MemoryStore<Data>["create"]> {
    await turns();
    return super.create(...args);
  }
}

export function newSlowSession(): Session<Record<string, unknown>> {
  return new Session({ store: new SlowStore(), cookie: { secure: false } });
}
