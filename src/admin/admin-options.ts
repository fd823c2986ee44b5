// What createAdmin is given: the options, what is refused at construction, and what the pages need
// of a Session.
import {
  assertOptions,
  check,
  having,
  kindOf,
  pattern,
  type Shape,
  texts,
  unchecked,
} from "../core/checks.ts";
import type { SessionEvents } from "../core/events/events.ts";
import { origins } from "../core/http/cross-site.ts";
import type { AllSessions } from "../core/session/all-sessions.ts";

/** What a request wants: to look, or to end sessions. */
export type AdminAction = "view" | "end";

/** The `Session` whose sessions are shown, as far as the pages need it. */
export interface AdminSession<Data extends object> {
  readonly all: AllSessions<Data>;
  readonly cookieName: string;
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void;
  revokeAll(userId: string): Promise<number>;
  revokeEverything?(): Promise<unknown>;
}

/** The options of {@link createAdmin}. */
export interface AdminOptions<Data extends object> {
  /** The `Session` whose sessions are shown. */
  session: AdminSession<Data>;
  /**
   * Who may see the pages, and who may end sessions. Asked at every request, before anything else
   * is done with it; `true` lets it in, a `Response` is the answer in its place (such as a redirect
   * to the sign-in), and anything else is a 403.
   */
  authorize: (
    request: Request,
    action: AdminAction,
  ) => boolean | Response | Promise<boolean | Response>;
  /** The path that the pages are under. Default `/admin`. `/` for a host of their own. */
  basePath?: string | undefined;
  /**
   * The fields of the sessions' data that may be shown. Default none. Whoever may see the pages
   * sees them of every user.
   */
  showData?: readonly (keyof Data & string)[] | undefined;
  /**
   * Origins whose forms are accepted beside the pages' own, such as the public one where a proxy
   * changes the host.
   */
  trustedOrigins?: readonly string[] | undefined;
  /** What stands at the head of every page. Default `Sessions`. */
  title?: string | undefined;
  /** Default: the machine's. Tests pass `ManualClock`. */
  clock?: { now(): number } | undefined;
}

const OPTIONS = {
  session: unchecked,
  authorize: unchecked,
  basePath: pattern(/^(?:\/[\w.~-]+)*\/?$/, "a path from / of letters, digits and . _ ~ -"),
  showData: texts,
  trustedOrigins: origins,
  title: check("a string", (value) => typeof value === "string"),
  clock: having("a Clock", "now"),
} satisfies Shape;

/**
 * Fills in the defaults.
 *
 * @throws TypeError for what makes no sense, and where nobody says who may come in.
 */
export function resolveAdminOptions<Data extends object>(options: AdminOptions<Data>) {
  assertOptions("page for operators", options, OPTIONS);
  const {
    session,
    authorize,
    basePath = "/admin",
    showData = [],
    title = "Sessions",
    clock = Date,
  } = options;
  if (typeof Object(session).all?.scan !== "function")
    throw new TypeError(
      `Cannot make the admin pages: session is ${kindOf(session)}, a Session is wanted`,
    );
  if (typeof authorize !== "function") {
    throw new TypeError(
      `Cannot make the admin pages: authorize is ${kindOf(authorize)}, a function that says who may see and end everybody's sessions is wanted`,
    );
  }
  return {
    session,
    authorize,
    title,
    clock,
    showData: [...showData] as string[],
    trustedOrigins: options.trustedOrigins,
    base: basePath.replace(/\/+$/, ""),
  };
}
