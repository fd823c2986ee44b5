// Child processes that measure: started here, asked one thing at a time, and always ended.
import { fork } from "node:child_process";

/** Starts a module on some Node and resolves once it has sent its first message. */
export async function startWorker(module, { node, argument, execArgv = [] }) {
  // Nothing of the caller's environment: NODE_OPTIONS and the like would be measured too.
  const env = { NODE_ENV: "production", NODE_NO_WARNINGS: "1" };
  const child = fork(module, [JSON.stringify(argument)], {
    execPath: node.path,
    execArgv,
    env,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  // Peers warn of what they are used for here: shown only when something failed.
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaints += text));
  const next = () =>
    new Promise((resolve, reject) => {
      const onExit = (code) =>
        reject(
          new Error(
            `Cannot measure ${JSON.stringify(argument)}: its process ended with ${code}\n${complaints}`,
          ),
        );
      child.once("exit", onExit);
      child.once("message", (message) => {
        child.off("exit", onExit);
        resolve(message);
      });
    });
  const ready = await next();
  return {
    ready,
    ask(question) {
      const answer = next();
      child.send(question);
      return answer;
    },
    async stop() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}
