// The load: so many keep-alive connections, each with a session of its own and one request under
// way at a time, for so long. Written out on sockets, since a client that costs more than the
// server would measure itself. Loopback only.
import assert from "node:assert/strict";
import net from "node:net";
import { answer } from "../answer.js";
import { ANSWER } from "./servers.js";

const HOST = "127.0.0.1";
const { connections } = JSON.parse(process.argv[2]);
answer(load);

/**
 * @param question.path what is asked for once everybody has signed in.
 *
 * @param question.isTimed whether each answer's time is taken: that costs the client something.
 */
async function load({ port, milliseconds, path = "/", isTimed = false }) {
  const clients = await Promise.all(Array.from({ length: connections }, () => signIn(port, path)));
  const times = isTimed ? [] : undefined;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const until = startedAt + milliseconds;
  const counts = await Promise.all(clients.map((client) => repeat(client, until, times)));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  for (const { socket } of clients) socket.destroy();
  const p99 = times && times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];
  return {
    p99,
    requests: counts.reduce((sum, count) => sum + count, 0),
    seconds,
    clientShare: (user + system) / 1e6 / seconds,
  };
}

async function signIn(port, path) {
  const socket = net.connect({ host: HOST, port });
  socket.setNoDelay(true);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const client = { socket };
  const login = await ask(client, requestOf("/login"));
  const cookies = [...login.matchAll(/^set-cookie: ([^;\r]+)/gim)].map(([, cookie]) => cookie);
  client.request = requestOf(path, cookies.join("; "));
  const greeting = await ask(client, client.request);
  assert.ok(greeting.includes(ANSWER), `the server reads the session that it began: ${greeting}`);
  return client;
}

function requestOf(path, cookie) {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: bench\r\nAccept: application/json\r\n${cookie ? `Cookie: ${cookie}\r\n` : ""}\r\n`,
    "latin1",
  );
}

function ask({ socket }, request) {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk) => {
      text += chunk.toString("latin1");
      if (!isWhole(text)) return;
      socket.off("data", onData);
      socket.off("close", onClose);
      resolve(text);
    };
    const onClose = () => reject(new Error("Cannot go on: the server closed a connection"));
    socket.on("data", onData).on("close", onClose).on("error", onClose);
    socket.write(request);
  });
}

/** One request after another, until the time is over. */
function repeat({ socket, request }, until, times) {
  return new Promise((resolve, reject) => {
    let count = 0;
    let text = "";
    let sentAt = times && performance.now();
    const onClose = () => reject(new Error("Cannot go on: the server closed a connection"));
    socket.on("close", onClose).on("error", onClose);
    socket.on("data", (chunk) => {
      text = text === "" ? chunk.latin1Slice() : text + chunk.latin1Slice();
      if (!isWhole(text)) return;
      if (!text.startsWith("HTTP/1.1 200") || !text.includes(ANSWER))
        return reject(new Error(`Cannot go on: the server answered ${text.slice(0, 40)}`));
      text = "";
      count++;
      const now = performance.now();
      times?.push(now - sentAt);
      if (now < until) {
        sentAt = now;
        socket.write(request);
        return;
      }
      socket.removeAllListeners("close");
      resolve(count);
    });
    socket.write(request);
  });
}

/** Whether a response is there to its end: express-session sends its body in two pieces. */
function isWhole(text) {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return false;
  const body = head + 4;
  const length = /\r\ncontent-length: (\d+)/i.exec(text);
  return length ? text.length >= body + Number(length[1]) : text.endsWith("0\r\n\r\n");
}
