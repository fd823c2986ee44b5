// What a session costs a whole server: requests per second as a fraction of the same server without one, and the processor
// time that a request takes more.
import { versionsOf } from "../machine.js";
import { CONNECTIONS, measureUnderLoad, summarizeBeside } from "../under-load.js";
import { SERVERS } from "./servers.js";

const PACKAGES = ["harpiats", "express", "express-session", "fastify", "@fastify/session", "@mgcrea/fastify-session", "hono", "@hono/node-server", "hono-sessions", "@hono/session"];

export async function measure({ nodes: [node], isQuick, say }) {
  const plan = isQuick ? { starts: 1, rounds: 2, milliseconds: 120 } : { starts: 3, rounds: 4, milliseconds: 800 };
  const servers = Object.entries(SERVERS).flatMap(([framework, libraries]) => Object.keys(libraries).map((library) => ({ framework, library, argument: { framework, library }, cases: casesOf(framework, library) })));
  say(`http: ${servers.length} servers, ${plan.starts} starts with ${plan.rounds} rounds on Node ${node.version}`);
  const subjects = await measureUnderLoad({ node, servers, ...plan });
  return [
    {
      node: node.version,
      rounds: plan.starts * plan.rounds,
      starts: plan.starts,
      connections: CONNECTIONS,
      versions: versionsOf(PACKAGES),
      results: subjects.map(({ framework, library, case: name, samples }) => {
        const bare = subjects.find((subject) => subject.framework === framework && subject.library === "none");
        return { framework, library, isWriting: name === "write", ...summarizeBeside(samples, bare.samples) };
      }),
    },
  ];
}

function casesOf(framework, library) {
  return framework === "node http" && ["floor", "harpiats"].includes(library) ? { read: "/", write: "/write" } : { read: "/" };
}
