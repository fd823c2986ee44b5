// The face of an object that each request has one of: what it can do, and nothing to write on. What
// hangs on it could be shared by all requests, or be lost, and code that is written for other
// libraries would never hear of it.

// Under which the face finds the object that does the work.
const REAL = Symbol("real");
/** The method of a `Session` that gives adapters a request's session as it is. The face is made when it is asked for. */
export const OPEN_REAL = Symbol("openReal");
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

// What code for express-session reads or calls, and the call here. To read `undefined` would pass
// for a session without an id, or for one that need not be saved.
const ELSEWHERE: Readonly<Record<string, string>> = {
  regenerate: "login(data) for a sign-in, or rotate()",
  save: "commit()",
  touch: "nothing: reading the session is activity",
  resetMaxAge: "nothing: reading the session is activity",
  id: "await session.handle",
  cookie: "the options of Session, or await session.deadlines",
};

interface Face {
  readonly [REAL]: object;
}

/**
 * Makes closed faces of a class's objects: its public methods and getters, frozen, and no
 * properties to write.
 *
 * @param Class whose objects have private state alone.
 */
export function makeCloser<Real extends object>(Class: {
  readonly prototype: object;
}): (real: Real) => Real {
  const handler = closedHandler(new Set(Object.getOwnPropertyNames(Class.prototype)));
  class ClosedSession implements Face {
    readonly [REAL]: object;
    constructor(real: object) {
      this[REAL] = real;
    }
  }
  makeFace(ClosedSession.prototype, Class.prototype);
  Object.freeze(ClosedSession);
  // It has every public member of the class, and hands all of them on.
  return (real) => new Proxy(new ClosedSession(real), handler) as unknown as Real;
}

/** Whether something is a request's session, closed. */
export function isClosed(thing: unknown): boolean {
  return typeof thing === "object" && thing !== null && REAL in thing;
}

/** The object behind a face; any other object is itself. */
export function realOf<Real extends object>(closed: Real): Real {
  return ((closed as Partial<Face>)[REAL] as Real | undefined) ?? closed;
}

function makeFace(face: object, real: object): void {
  Object.defineProperty(face, INSPECT, { value: Object.freeze(() => "RequestSession {}") });
  for (const [name, { get, value: member }] of Object.entries(
    Object.getOwnPropertyDescriptors(real),
  )) {
    if (name === "constructor") continue;
    if (get) Object.defineProperty(face, name, { get: getter(name) });
    else if (typeof member === "function")
      Object.defineProperty(face, name, { value: method(name, member as Method) });
  }
  for (const [name, instead] of Object.entries(ELSEWHERE)) {
    Object.defineProperty(face, name, {
      get() {
        throw new TypeError(`Cannot read session.${name}: a session has none, expected ${instead}`);
      },
    });
  }
  Object.freeze(face);
}

type Method = (...args: unknown[]) => unknown;

function getter(name: string): (this: Face) => unknown {
  return function () {
    return Reflect.get(this[REAL], name) as unknown;
  };
}

function method(name: string, real: Method): Method {
  const { length } = real;
  // No method takes more than two: an array of arguments would cost as much as the call.
  return Object.freeze(function (this: Face, first?: unknown, second?: unknown): unknown {
    if (arguments.length > length) refuseCallback(name, [...arguments].slice(length));
    return real.call(this[REAL], first, second);
  });
}

/** A callback would never be called, and a request that waits for it never end. Thrown at once: nobody awaits it. */
function refuseCallback(name: string, beyond: readonly unknown[]): void {
  if (!beyond.some((arg) => typeof arg === "function")) return;
  throw new TypeError(
    `Cannot call ${name}() with a callback: it gives a promise, expected await session.${name}()`,
  );
}

function closedHandler(members: ReadonlySet<string>): ProxyHandler<object> {
  const refuse = (verb: string, name: PropertyKey): never => {
    const property = String(name).slice(0, 100);
    if (members.has(property))
      throw new TypeError(`Cannot ${verb} session.${property}: it is a member of every session`);
    const call =
      verb === "delete"
        ? `session.unset(${JSON.stringify(property)})`
        : `session.set(${JSON.stringify(property)}, …)`;
    const hint =
      property === "user" || property === "userId" ? ", or session.destroy() for a logout" : "";
    throw new TypeError(
      `Cannot ${verb} session.${property}: a session has no properties of its own, expected ${call}${hint}`,
    );
  };
  return {
    set: (_target, name) => refuse("write", name),
    defineProperty: (_target, name) => refuse("write", name),
    deleteProperty: (_target, name) => refuse("delete", name),
    setPrototypeOf: () => refuse("write", "__proto__"),
  };
}
