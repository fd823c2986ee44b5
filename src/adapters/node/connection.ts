// Keeps a connection open while a response that has ended waits on it. node has the bytes of such a
// response, so that whoever closes the connection then (server.close(), an error handler of Express)
// cuts off nothing; while we hold it, they would cut off all of it.
import type { NodeResponse } from "./calls.ts";

interface Socket {
  destroy(error?: Error): unknown;
  [CONNECTION]?: Connection;
}

const CONNECTION = Symbol("connection");

/** A connection, one for each socket. */
export class Connection {
  readonly #socket: Socket;
  readonly #destroy: Socket["destroy"];
  #waiting = 0;
  #isDue = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#destroy = socket.destroy;
    socket[CONNECTION] = this;
    // What has failed is not delayed.
    socket.destroy = (error) =>
      !error && this.delay() ? socket : this.#destroy.call(socket, error);
  }

  /** The connection of a response, which counts from now on. Of http2's there is none to cut off. */
  static of(response: NodeResponse): Connection | undefined {
    if (response.stream !== undefined) return undefined;
    const { socket } = response as { socket?: Partial<Socket> | null };
    if (typeof socket?.destroy !== "function") return undefined;
    const connection = socket[CONNECTION] ?? new Connection(socket as Socket);
    connection.#waiting++;
    return connection;
  }

  /** @returns whether the connection will be destroyed later. */
  delay(): boolean {
    if (this.#waiting === 0) return false;
    this.#isDue = true;
    return true;
  }

  /** A response waits no more. */
  release(): void {
    this.#waiting--;
    if (this.#waiting > 0 || !this.#isDue) return;
    this.#isDue = false;
    this.#destroy.call(this.#socket);
  }
}
