// What a session costs a whole server when it is kept in Redis, PostgreSQL or a SQLite file:
// requests per second as a fraction of the same server without one, in the same round. The load and
// its client are those of `http`.
import { versionsOf } from "../machine.js";
import { temporaryFolder } from "../temporary-folder.js";
import { headOf, measureUnderLoad, summarizeBeside } from "../under-load.js";
import { SERVERS } from "./servers.js";

export async function measure({ nodes: [node], isQuick, say }) {
  const plan = isQuick
    ? { starts: 1, warmUps: 1, rounds: 2, milliseconds: 150 }
    : { starts: 3, rounds: 4, milliseconds: 800 };
  const results = [];
  const versions = versionsOf([
    "harpiats",
    "redis",
    "pg",
    "express-session",
    "connect-redis",
    "connect-pg-simple",
  ]);
  for (const store of Object.keys(SERVERS)) {
    const folder = await temporaryFolder();
    let server;
    try {
      server = await start(store, folder.path);
      if (typeof server === "string") {
        say(server);
        continue;
      }
      say(
        `networked: ${store}, ${plan.starts} starts with ${plan.rounds} rounds on Node ${node.version}`,
      );
      Object.assign(versions, server.versions);
      const { options } = server;
      const servers = Object.keys(SERVERS[store]).map((library) => ({
        library,
        argument: { framework: store, library, servers: "../networked/servers.js", options },
        cases: { "/": "/" },
      }));
      const subjects = await measureUnderLoad({ node, servers, ...plan });
      results.push(
        ...subjects.map(({ library, samples }) => ({
          store,
          library,
          ...summarizeBeside(samples, subjects[0].samples),
        })),
      );
    } finally {
      await server?.stop?.();
      await folder.remove();
    }
  }
  return [{ ...headOf(node, plan), versions, results }];
}

async function start(store, folder) {
  if (store === "sqlite") return { options: { folder }, versions: {}, stop: async () => {} };
  const { program, start: startServer } = await import(`../stores/servers/${store}.js`);
  return program === undefined
    ? `${store} is not measured: it is not installed`
    : startServer(folder);
}
