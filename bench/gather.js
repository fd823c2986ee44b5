// The least that can be written down: what is asked in one turn of the event loop in one call. It
// bounds nothing, and fails as a whole.

/** @param call takes all items of a turn, and answers in their order or not at all. */
export function gather(call) {
  let waiting = [];
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    const answers = await call(batch.map(({ item }) => item));
    for (let at = 0; at < batch.length; at++) batch[at].resolve(answers?.[at]);
  };
  return (item) =>
    new Promise((resolve) => {
      if (waiting.push({ item, resolve }) === 1) setImmediate(flush);
    });
}
