// Counts what a store sends through its client: one call is one round trip.

// The methods of the drivers that send something, whichever driver it is.
const SENDING = new Set<string | symbol>([
  "evalSha",
  "eval",
  "evalsha",
  "get",
  "mGet",
  "mget",
  "sendCommand",
  "query",
  "execute",
  "unsafe",
]);
// mysql2's and pg's pools give a connection, which goes back by its release().
const GIVE_CONNECTION = new Set<string | symbol>(["getConnection", "connect"]);

export class CallCounter {
  calls = 0;

  /** The client with a counter before it. */
  readonly wrap = <Client extends object>(client: Client): Client =>
    new Proxy(client, {
      // Called on the client itself: its private fields are not on the proxy.
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...given: unknown[]): unknown => {
          if (SENDING.has(name)) this.calls++;
          const result: unknown = value.apply(target, given);
          return GIVE_CONNECTION.has(name) && result instanceof Promise
            ? result.then((given: unknown) =>
                typeof Object(given).release === "function" ? this.wrap(given as object) : given,
              )
            : result;
        };
      },
    });
}
