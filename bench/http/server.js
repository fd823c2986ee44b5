// One server in a process of its own. Says its port, and whenever it is asked, the processor time
// it has used; or records which functions allocate, what the collector has taken away since
// included.
import { Session } from "node:inspector/promises";
import { answer } from "../answer.js";

const { framework, library, servers = "./servers.js", options } = JSON.parse(process.argv[2]);
const { SERVERS } = await import(servers);
const port = await SERVERS[framework][library](options);
const inspector = new Session();
const ACTS = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async "start recording"() {
    inspector.connect();
    await inspector.post("HeapProfiler.startSampling", {
      samplingInterval: 4096,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
  },
  async "stop recording"() {
    const { profile } = await inspector.post("HeapProfiler.stopSampling");
    inspector.disconnect();
    return profile.head;
  },
};
// Without an answer it would be waited for.
answer(async (question) => (await ACTS[question]()) ?? true, port);
