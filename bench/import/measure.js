// How long a fresh process takes to import a session library: what a cold start pays. Nothing is
// called. And how large ours is, as `npm run size` has found.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { shuffle, summarize } from "../statistics.js";
import { startWorker } from "../workers.js";

const PROBE = fileURLToPath(new URL("./probe.js", import.meta.url));
const SUBJECTS = [
  {
    title: "nothing (an empty module)",
    specifier: new URL("./empty.js", import.meta.url).href,
    packages: [],
  },
  {
    title: "harpiats/session",
    specifier: new URL("../../dist/session.js", import.meta.url).href,
    packages: ["harpiats"],
  },
  { title: "express-session", specifier: "express-session", packages: ["express-session"] },
  {
    title: "@fastify/session with @fastify/cookie",
    specifier: "@fastify/session",
    packages: ["@fastify/session", "@fastify/cookie"],
  },
  { title: "hono-sessions", specifier: "hono-sessions", packages: ["hono-sessions"] },
  { title: "iron-session", specifier: "iron-session", packages: ["iron-session"] },
];

export async function measure({ nodes, isQuick, say }) {
  const rounds = isQuick ? 3 : 20;
  const { gzipped } = JSON.parse(
    readFileSync(new URL("../../docs/measured/size.json", import.meta.url), "utf8"),
  );
  const runs = [];
  for (const node of nodes) {
    say(`import: ${SUBJECTS.length} modules, ${rounds} processes each on Node ${node.version}`);
    const samples = SUBJECTS.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const at of shuffle(SUBJECTS.keys())) {
        const { ready, stop } = await startWorker(PROBE, {
          node,
          argument: SUBJECTS[at].specifier,
        });
        samples[at].push(ready);
        await stop();
      }
    }
    runs.push({
      node: node.version,
      rounds,
      gzipped,
      versions: versionsOf([...new Set(SUBJECTS.flatMap(({ packages }) => packages))]),
      results: SUBJECTS.map(({ title }, at) => ({ title, milliseconds: summarize(samples[at]) })),
    });
  }
  return runs;
}
