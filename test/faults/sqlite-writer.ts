// A process that writes sessions to a file until it is killed, and says at once what was
// acknowledged. test/faults/sqlite.test.ts starts it.
import { writeSync } from "node:fs";
import { Session } from "../../src/session.ts";
import { openForProcess } from "../support/sqlite-clients.ts";

const [path] = process.argv.slice(2);
const AT_ONCE = 20;

/** Written at once: what the reader has, had been acknowledged when this process died. */
function acknowledge(what: string, id: string, n: number): void {
  writeSync(1, `${what} ${id} ${n}\n`);
}

async function writeForEver(session: Session): Promise<never> {
  for (let n = 0; ; n++) {
    const id = await session.create({ n: 0, userId: "writer" });
    acknowledge("created", id, 0);
    for (let change = 1; change <= 3; change++) {
      await session.update(id, { n: change, padding: "x".repeat(100 * (n % 30)) });
      acknowledge("updated", id, change);
    }
    if (n % 2) continue;
    await session.delete(id);
    acknowledge("deleted", id, 0);
  }
}

if (path !== undefined) {
  const { store } = await openForProcess(path);
  const session = new Session({ store });
  await Promise.all(Array.from({ length: AT_ONCE }, () => writeForEver(session)));
}
