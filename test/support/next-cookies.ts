// Cookies as Next.js gives them, made of the classes that it makes them of: sealed for a server
// component, open for an action.
import { RequestCookies, ResponseCookies } from "@edge-runtime/cookies";
import type { NextCookies } from "../../src/adapters/next.ts";

/** A server component's cookies: they can be read, and refuse everything else whatever it is. */
export function sealed(header: string): NextCookies {
  const cookies = new RequestCookies(new Headers({ cookie: header }));
  return {
    get: (name) => cookies.get(name),
    set: () => {
      throw new Error("Cookies can only be modified in a Server Action or Route Handler");
    },
  };
}

/** An action's: what was set is read at once, until the action is over. */
export class ActionCookies implements NextCookies {
  readonly #request: RequestCookies;
  readonly #headers = new Headers();
  readonly #response = new ResponseCookies(this.#headers);
  isOver = false;

  constructor(header = "") {
    this.#request = new RequestCookies(new Headers({ cookie: header }));
  }

  get(name: string): { value: string } | undefined {
    return this.#response.get(name) ?? this.#request.get(name);
  }

  set(cookie: Parameters<NextCookies["set"]>[0]): unknown {
    if (this.isOver)
      throw new Error("Cookies can only be modified in a Server Action or Route Handler");
    // Read by its name, as Next.js reads it.
    return this.#response.set({ ...cookie, name: cookie.name });
  }

  get lines(): string[] {
    return this.#headers.getSetCookie();
  }

  /** What the browser sends next. */
  get header(): string {
    return this.lines.map((line) => line.split(";")[0]).join("; ");
  }
}

/** What `redirect("/profile")` of next/navigation throws. */
export function redirect(): never {
  throw Object.assign(new Error("NEXT_REDIRECT"), { digest: "NEXT_REDIRECT;push;/profile;303;" });
}
