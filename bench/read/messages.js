// Requests and responses as a server would hand them over, without sockets. Making them is never
// part of what is timed.
import { IncomingMessage, ServerResponse } from "node:http";

// Some middleware asks the socket whether the connection is encrypted.
const SOCKET = { encrypted: false, remoteAddress: "127.0.0.1" };
const BROWSER = {
  host: "127.0.0.1",
  connection: "keep-alive",
  "user-agent": "bench",
  accept: "application/json",
};

/**
 * Node's own request, its headers already parsed: whoever asks for them first pays for that,
 * session or not.
 */
export function nodeRequest(cookie) {
  const request = new IncomingMessage(SOCKET);
  request.method = "GET";
  request.url = "/";
  request.headers = cookie === undefined ? { ...BROWSER } : { ...BROWSER, cookie };
  return request;
}

/**
 * Node's own response, but for its two methods that write: without a socket they would measure node
 * and not the session. Middleware wraps these as it wraps the real ones.
 */
export function nodeResponse(request) {
  const response = new ServerResponse(request);
  response.writeHead = writeHead;
  response.end = end;
  return response;
}

function writeHead() {
  this._header = "sent";
  return this;
}

function end() {
  if (!this._header) this.writeHead(200);
  this.isEnded = true;
  return this;
}

/** A request of the fetch API. */
export function fetchRequest(cookie) {
  return new Request("http://127.0.0.1/", {
    headers: cookie === undefined ? BROWSER_FETCH : { ...BROWSER_FETCH, cookie },
  });
}

const BROWSER_FETCH = { "user-agent": "bench", accept: "application/json" };

/** The `name=value` of the Set-Cookie header that a response carries. */
export function cookieIn(setCookie) {
  const line = Array.isArray(setCookie) ? setCookie.at(-1) : setCookie;
  if (typeof line !== "string") throw new Error("Cannot sign in: the candidate set no cookie");
  return line.slice(0, line.indexOf(";") === -1 ? undefined : line.indexOf(";"));
}
