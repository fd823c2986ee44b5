// One server in a process of its own. Says its port, and whenever it is asked, the processor time it has used.
import { answer } from "../answer.js";

const { framework, library, servers = "./servers.js", options } = JSON.parse(process.argv[2]);
const { SERVERS } = await import(servers);
const port = await SERVERS[framework][library](options);
answer(() => {
  const { user, system } = process.cpuUsage();
  return user + system;
}, port);
