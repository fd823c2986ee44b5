// At most two sessions for each user, also when twenty sign in at once: the oldest makes way, or
// the newest is told no. Runs to its end by itself.
import { HarpiaError, Session } from "harpiats/session";

const evicting = new Session<{ userId: string }>({
  maxPerUser: { limit: 2, onLimit: "evict-oldest" },
});
let evicted = 0;
evicting.on("ended", ({ reason }) => void (reason === "evicted" && evicted++));

await Promise.all(Array.from({ length: 20 }, () => evicting.create({ userId: "ada" })));
console.log(
  `evict-oldest: 20 sign in at once, ${evicted} make way, ${(await evicting.list("ada")).length} live`,
);

const denying = new Session<{ userId: string }>({ maxPerUser: { limit: 2, onLimit: "deny" } });
const outcomes = await Promise.allSettled(
  Array.from({ length: 20 }, () => denying.create({ userId: "ada" })),
);
const refusals = outcomes.filter(
  (outcome) =>
    outcome.status === "rejected" &&
    outcome.reason instanceof HarpiaError &&
    outcome.reason.code === "ERR_TOO_MANY_SESSIONS",
);
console.log(
  `deny: 20 sign in at once, ${refusals.length} are told ERR_TOO_MANY_SESSIONS, ${(await denying.list("ada")).length} live`,
);

// Somebody else's sessions do not count, and neither do a visitor's who is nobody.
await denying.create({ userId: "grace" });
console.log(`and grace signs in: ${(await denying.list("grace")).length} lives`);
