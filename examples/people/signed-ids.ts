// A forged id costs no call of the store, and a secret is replaced without logging anybody out.
// Runs to its end by itself.
import { randomBytes } from "node:crypto";
import { tracingChannel } from "node:diagnostics_channel";
import { MemoryStore, Session } from "harpiats/session";

// From the environment, in an application: `harpiats secret` makes one.
const secret = (): string => randomBytes(32).toString("base64url");
const [former, current] = [secret(), secret()];
const store = new MemoryStore<{ userId: string }>();

let reads = 0;
tracingChannel("harpiats:store").subscribe({
  start: () => void reads++,
  end: () => {},
  asyncStart: () => {},
  asyncEnd: () => {},
  error: () => {},
});

const before = new Session({ store, secrets: [former] });
before.on("refused", ({ reason }) => console.log(`  event: refused, ${reason}`));
const id = await before.create({ userId: "ada" });

reads = 0;
const forged = id.slice(0, -1) + (id.endsWith("A") ? "B" : "A");
console.log("one character is another:");
console.log(
  `  ${(await before.get(forged))?.userId ?? "nobody"}, after ${reads} calls of the store`,
);

const both = new Session({ store, secrets: [current, former] });
console.log(`with a new secret before the former one: ${(await both.get(id))?.userId ?? "nobody"}`);
const later = await both.create({ userId: "grace" });

const after = new Session({ store, secrets: [current] });
console.log(
  `when the former one is gone: ${(await after.get(id))?.userId ?? "nobody"}, ${(await after.get(later))?.userId ?? "nobody"}`,
);
