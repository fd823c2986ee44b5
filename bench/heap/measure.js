// Which functions allocate in a server under load, by V8's sampling heap profiler: a sample every 4
// KiB on average, with what the collector took away since. The load and the servers are those of
// `http` and `adapters`.
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { startWorker } from "../workers.js";

const SERVER = fileURLToPath(new URL("../http/server.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("../http/client.js", import.meta.url));
const CONNECTIONS = 64;
const SITES = 10;
const OURS = new URL("../../dist/", import.meta.url).href;
const SUBJECTS = [
  { title: "node http, fromRequest", framework: "node http", path: "/", servers: "./servers.js" },
  {
    title: "node http, withSession, read and written",
    framework: "node http",
    path: "/write",
    servers: "../adapters/servers.js",
  },
  {
    title: "Express 5, read",
    framework: "Express 5",
    path: "/",
    servers: "../adapters/servers.js",
  },
  {
    title: "Fastify 5, read",
    framework: "Fastify 5",
    path: "/",
    servers: "../adapters/servers.js",
  },
  { title: "Hono 4, read", framework: "Hono 4", path: "/", servers: "../adapters/servers.js" },
];

export async function measure({ nodes: [node], isQuick, say }) {
  const milliseconds = isQuick ? 300 : 3000;
  say(`heap: ${SUBJECTS.length} servers on Node ${node.version}`);
  const client = await startWorker(CLIENT, { node, argument: { connections: CONNECTIONS } });
  const results = [];
  try {
    for (const { title, framework, path, servers } of SUBJECTS) {
      const server = await startWorker(SERVER, {
        node,
        argument: { framework, library: "harpiats", servers },
      });
      try {
        const question = { port: server.ready, milliseconds, path };
        // Code that is compiled yet allocates otherwise.
        await client.ask(question);
        await server.ask("start recording");
        const { requests } = await client.ask(question);
        results.push({ title, requests, ...toSites(await server.ask("stop recording")) });
      } finally {
        await server.stop();
      }
    }
  } finally {
    await client.stop();
  }
  return [
    {
      node: node.version,
      rounds: 1,
      connections: CONNECTIONS,
      versions: versionsOf(["harpiats", "express", "fastify", "hono", "@hono/node-server"]),
      results,
    },
  ];
}

/** What each function allocated itself, whoever called it: the most first. */
function toSites(head) {
  const bytes = new Map();
  let total = 0;
  const visit = ({ callFrame: { functionName, url, lineNumber }, selfSize, children }) => {
    total += selfSize;
    const site = JSON.stringify([functionName || "(anonymous)", url, lineNumber + 1]);
    bytes.set(site, (bytes.get(site) ?? 0) + selfSize);
    for (const child of children) visit(child);
  };
  visit(head);
  const sites = [...bytes].map(([site, self]) => {
    const [name, url, line] = JSON.parse(site);
    const isOurs = url.startsWith(OURS);
    return { name, where: whereOf(url, line), isOurs, share: self / total };
  });
  sites.sort((a, b) => b.share - a.share);
  const ours = sites.filter(({ isOurs }) => isOurs);
  return {
    bytes: total,
    sites: sites.slice(0, SITES),
    ours: ours.slice(0, SITES),
    ourShare: ours.reduce((sum, { share }) => sum + share, 0),
  };
}

function whereOf(url, line) {
  if (url === "") return "";
  if (url.startsWith(OURS)) return `harpiats ${url.slice(OURS.length)}:${line}`;
  const [, inPackage] = /.*\/node_modules\/(.+)$/.exec(url) ?? [];
  return `${inPackage ?? url.replace(/^.*\/bench\//, "bench/")}:${line}`;
}
