// Says in words why a request has no session, and why a browser would not keep a cookie. It looks
// and changes nothing: looking is no activity. It decides nothing either; who may pass is core's to
// say.
import { assertOptions, clock as clockCheck, type Shape, whole } from "../core/checks.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { scanCookies } from "../core/http/cookie-scan.ts";
import {
  cookieHeaderOf,
  headerOf,
  type RequestLike,
  type ResponseLike,
  responseHeaders,
} from "../core/http/http-messages.ts";
import { BearerToken } from "../core/http/transport.ts";
import { ID_LENGTH, toStoreKey } from "../core/ids/session-id.ts";
import type { Session } from "../core/session/session.ts";
import {
  type CookieLine,
  cookieLineOf,
  type CookieRefusal,
  coversHost,
  coversPath,
  isUnsafe,
  parseCookieLine,
  refusalOfLine,
  SECURE_ON_HTTP,
  toTitle,
} from "./cookie-line.ts";
import { EndedSessions, type SessionEnd } from "./ended-sessions.ts";
import { type RequestFacts, requestFacts } from "./request-facts.ts";
import { wordsOfDuration, wordsOfEnd, wordsOfMalformed, wordsOfUnknown } from "./words.ts";

/**
 * Why a request has a session, `live`, or none. `no-cookie`: none came, and nothing tells why;
 * `no-token` is the same of bearer tokens. The next five say why no cookie came, the others are of
 * what came.
 */
export type Cause =
  | "live"
  | "no-cookie"
  | "no-token"
  | "secure-on-http"
  | "cross-site"
  | "credentials"
  | "domain"
  | "path"
  | "malformed"
  | "bad-signature"
  | "over-age"
  | "unknown"
  | "ended"
  | "duplicate";

/**
 * What becomes of our cookie in a response: `set`, `taken-back`, `none` where there is none, or why
 * browsers refuse it.
 */
export type ResponseCause = "set" | "taken-back" | "none" | "cacheable" | CookieRefusal;

/**
 * A cause, and what it means, for the developer. Neither has an id, a cookie's value or session
 * data in it.
 */
export interface Explanation {
  readonly cause: Cause;
  readonly message: string;
  /** With `ended`: how, and when. */
  readonly ended?: SessionEnd;
  /** Where a response was given. */
  readonly response?: ResponseExplanation;
}

/** What of our cookie is in a response. */
export interface ResponseExplanation {
  readonly cause: ResponseCause;
  readonly message: string;
}

/** Explains requests. */
export interface Explainer {
  /**
   * Why a request has a session or none; with the response, what becomes of the cookie in it as
   * well. Ask before the handler changes the session, or the answer is about what it left.
   *
   * @throws StoreError when the store fails: nobody can tell then.
   */
  explain(req: RequestLike, res?: ResponseLike): Promise<Explanation>;
  /** What becomes of our cookie in a response, which may have been sent already. */
  explainResponse(req: RequestLike, res: ResponseLike): ResponseExplanation;
  /** Stops listening, and forgets. */
  close(): void;
}

/** How an {@link Explainer} works. */
export interface ExplainerOptions {
  /** How many sessions it remembers the end of, the last ones. Default 1000. */
  remember?: number | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

/** What is asked of a `Session`: what anybody may ask. */
export type ExplainedSession = Pick<Session<object>, "cookieName" | "on" | "deadlines" | "policy">;

interface Judged {
  readonly cause: Cause;
  readonly message: string;
  readonly ended?: SessionEnd;
}

const OPTIONS = { remember: whole(1), clock: clockCheck } satisfies Shape;
const MOST_REMEMBERED = 1000;
const MOST_CANDIDATES = 4;
// Where none is live: which of several says most.
const TELLING: Cause[] = ["ended", "unknown", "over-age", "bad-signature", "malformed"];

/**
 * Makes an explainer of a session's requests. It remembers from now on how sessions end, so make it
 * when the application starts.
 *
 * Each explanation reads the session once more, and what it refuses is counted as `refused` once
 * more. It is for development, and for support in production on demand.
 */
export function createExplainer(
  session: ExplainedSession,
  options: ExplainerOptions = {},
): Explainer {
  assertOptions("explainer", options, OPTIONS);
  const { remember = MOST_REMEMBERED, clock = systemClock } = options;
  return new SessionExplainer(session, remember, clock);
}

class SessionExplainer implements Explainer {
  readonly #session: ExplainedSession;
  readonly #clock: Clock;
  readonly #sinceAt: number;
  readonly #ended: EndedSessions;
  readonly #stop: () => void;
  readonly #bearer: BearerToken | undefined;
  readonly #own: CookieLine;
  readonly #store: string;
  /** What it is that comes, in words. */
  readonly #what: string;
  #refusal: string | undefined;

  constructor(session: ExplainedSession, most: number, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.#sinceAt = clock.now();
    const { transport, cookie, store } = session.policy;
    this.#bearer = transport === "bearer" ? new BearerToken() : undefined;
    this.#own = cookieLineOf(cookie);
    this.#store = store;
    this.#what = this.#bearer ? "bearer token" : `${session.cookieName} cookie`;
    this.#ended = new EndedSessions(session, { most, clock });
    this.#stop = session.on("refused", ({ reason }) => (this.#refusal = reason));
  }

  close(): void {
    this.#stop();
    this.#ended.close();
  }

  async explain(req: RequestLike, res?: ResponseLike): Promise<Explanation> {
    const judged = await this.#explainRequest(req);
    return res === undefined ? judged : { ...judged, response: this.explainResponse(req, res) };
  }

  explainResponse(req: RequestLike, res: ResponseLike): ResponseExplanation {
    const { cookieName } = this.#session;
    const headers = responseHeaders(res);
    const token = this.#bearer && headers.header("x-auth-token");
    const line = this.#bearer
      ? token
      : headers.cookies().findLast((text) => text.startsWith(`${cookieName}=`));
    if (line === undefined)
      return { cause: "none", message: `The response leaves the ${this.#what} as it is.` };
    const parsed = parseCookieLine(line);
    const refusal = this.#bearer ? undefined : refusalOfLine(cookieName, parsed, requestFacts(req));
    if (refusal)
      return {
        cause: refusal.cause,
        message: `Browsers will not keep the ${this.#what} of this response. ${refusal.message}`,
      };
    if (!/\bno-store\b/i.test(headers.header("cache-control") ?? "")) {
      return {
        cause: "cacheable",
        message: `The response has a ${this.#what}, and no Cache-Control: no-store any more: a cache could hand it to somebody else. Something after setCookie has set the header anew.`,
      };
    }
    if (parsed.isDeletion || token === "")
      return { cause: "taken-back", message: `The response takes the ${this.#what} back.` };
    return { cause: "set", message: `The response sets the ${this.#what}.` };
  }

  async #explainRequest(req: RequestLike): Promise<Judged> {
    const { cookieName } = this.#session;
    const header = cookieHeaderOf(req) ?? "";
    const came = this.#bearer ? this.#bearer.read(req) : scanCookies(header, cookieName);
    const values = [...new Set([came ?? []].flat())];
    if (values.length === 0)
      return this.#bearer ? this.#explainNoToken(header) : this.#explainAbsence(req, header);
    const judged = await Promise.all(values.map((value) => this.#judge(value)));
    const wellFormed = judged.filter(
      ({ cause }) => !["malformed", "bad-signature", "over-age"].includes(cause),
    );
    const live = judged.filter(({ cause }) => cause === "live");
    if (live.length > 1 || wellFormed.length > MOST_CANDIDATES) {
      return {
        cause: "duplicate",
        message: `${values.length} cookies are called ${cookieName}, and ${live.length} of them lead to a session: whose it is, their order does not say, so there is none. A sibling domain or another path has set one; the prefix __Host- keeps them out.`,
      };
    }
    const telling =
      live[0] ??
      TELLING.map((cause) => judged.find((one) => one.cause === cause)).find(
        (one) => one !== undefined,
      );
    // Of at least one value there is a verdict, and each is live or on the list.
    const { message, ...verdict } = telling as Judged;
    return {
      ...verdict,
      message:
        values.length === 1
          ? message
          : `${values.length} different cookies are called ${cookieName}. Of the one that counts: ${message}`,
    };
  }

  async #judge(value: string): Promise<Judged> {
    this.#refusal = undefined;
    const looking = this.#session.deadlines(value);
    // What is refused without asking the store is told before the call returns: nothing else can
    // have come between.
    const refusal = this.#refusal as string | undefined;
    const deadlines = await looking;
    const now = this.#clock.now();
    const named = `A ${this.#what} came.`;
    if (deadlines) {
      const idle =
        deadlines.expiresAt < deadlines.endsAt
          ? `, without activity in ${wordsOfDuration(deadlines.expiresAt - now)}`
          : "";
      return {
        cause: "live",
        message: `There is a session. It began ${wordsOfDuration(now - deadlines.createdAt)} ago, and ends in ${wordsOfDuration(deadlines.endsAt - now)} at the latest${idle}.`,
      };
    }
    if (refusal === "bad-signature")
      return {
        cause: "bad-signature",
        message: `${named} None of this Session's secrets has signed it: its secret was retired, another application has set it, or somebody has changed it.`,
      };
    if (refusal === "over-age")
      return {
        cause: "over-age",
        message: `${named} Its id is older than any session may become (absoluteTimeout, longestTimeout): the store was not asked.`,
      };
    if (refusal !== undefined)
      return { cause: "malformed", message: `${named} ${wordsOfMalformed(value)}` };
    const ended = this.#ended.find(toStoreKey(value.slice(0, ID_LENGTH)));
    if (ended) return { cause: "ended", message: `${named} ${wordsOfEnd(ended, now)}`, ended };
    return {
      cause: "unknown",
      message: `${named} ${wordsOfUnknown(value, { now, sinceAt: this.#sinceAt, store: this.#store })}`,
    };
  }

  #explainNoToken(header: string): Judged {
    const hint =
      [scanCookies(header, this.#session.cookieName) ?? []].flat().length > 0
        ? " A cookie of that name came: with transport bearer it is nobody's."
        : "";
    return {
      cause: "no-token",
      message: `No Authorization: Bearer header came, and this Session takes ids from nowhere else.${hint}`,
    };
  }

  #explainAbsence(req: RequestLike, header: string): Judged {
    const own = this.#own;
    const facts = requestFacts(req);
    const none = `No ${this.#what} came.`;
    if (own.isSecure && isUnsafe(facts))
      return { cause: "secure-on-http", message: `${none} ${SECURE_ON_HTTP}` };
    if (!coversHost(own, facts))
      return {
        cause: "domain",
        message: `${none} Its domain, ${String(own.domain)}, does not cover the host of this request, ${String(facts.host)}.`,
      };
    if (!coversPath(own, facts))
      return {
        cause: "path",
        message: `${none} It is for paths from ${String(own.path)} on, and this request is for another.`,
      };
    const crossSite = explainCrossSite(own, facts);
    if (crossSite) return { ...crossSite, message: `${none} ${crossSite.message}` };
    return { cause: "no-cookie", message: [none, ...hintsOf(req, header, own, facts)].join(" ") };
  }
}

function explainCrossSite(
  own: CookieLine,
  { site, mode, method = "GET" }: RequestFacts,
): Judged | undefined {
  const isPage = mode === undefined || mode === "navigate";
  const isSafe = ["GET", "HEAD"].includes(method);
  if (
    site === "cross-site" &&
    own.sameSite !== "none" &&
    !(own.sameSite === "lax" && isPage && isSafe)
  ) {
    const allowed =
      own.sameSite === "lax"
        ? "a link to a page is followed with a lax cookie, everything else from another site without it"
        : "nothing from another site carries a strict cookie, not even a link";
    return {
      cause: "cross-site",
      message: `A page of another site sent this request, and the cookie is SameSite=${toTitle(own.sameSite)}: ${allowed}. If that site is yours, sameSite: "none" with csrf protection lets it through.`,
    };
  }
  if ((site === "same-site" || site === "cross-site") && mode === "cors") {
    const thirdParty =
      site === "cross-site"
        ? " Many browsers keep no cookies of other sites at all, or only partitioned ones."
        : "";
    return {
      cause: "credentials",
      message: `Script on a page of another origin sent this request: it carries cookies only with credentials: "include", and may read the answer only with Access-Control-Allow-Credentials. A cookie without domain is sent to the host alone that set it.${thirdParty}`,
    };
  }
  return undefined;
}

function hintsOf(
  req: RequestLike,
  header: string,
  own: CookieLine,
  { scheme, host }: RequestFacts,
): string[] {
  const hints = [
    "Nothing says why: a first visit, a browser that was closed, a client that keeps no cookies, or a response that never set it.",
  ];
  if (header.trim() !== "")
    hints.push("Other cookies came: it may have been set under another name, path or host.");
  if (headerOf(req, "authorization") !== undefined)
    hints.push(
      "An Authorization header came: ids are taken from there only with transport: bearer.",
    );
  if (own.isSecure && scheme === "http" && host !== undefined)
    hints.push("Safari sends no Secure cookie over plain http, not even to localhost.");
  return hints;
}
