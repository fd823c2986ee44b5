// The other side of workers.js: a process that says it is ready and then answers, one question at a
// time.

/**
 * Sends `ready`, and to every question what `reply` makes of it. What it throws ends the process,
 * and the run with it.
 */
export function answer(reply, ready = "ready") {
  const sendReply = async (question) => process.send(await reply(question));
  process.on("message", (question) => void sendReply(question));
  // Whoever asked is gone, perhaps interrupted: nothing is to be left behind.
  process.once("disconnect", () => process.exit());
  process.send(ready);
}
