// createAdmin: who may come in, what another site has sent, and which page answers.
import { StoreError } from "../core/errors.ts";
import { crossSiteCheck } from "../core/http/cross-site.ts";
import { type AdminAction, type AdminOptions, resolveAdminOptions } from "./admin-options.ts";
import { chartAnswer, fileAnswer, pageAnswer, redirectAnswer, textAnswer } from "./answers.ts";
import { countEvents, HourlyEvents } from "./counts/hourly-events.ts";
import { StoreLook } from "./counts/store-sample.ts";
import { StoreTimes } from "./counts/store-times.ts";
import { FormError, readForm } from "./form-body.ts";
import { type HarpiaHandler, toHarpiaHandler } from "./harpia-handler.ts";
import { type NodeHandler, toNodeHandler } from "./node-handler.ts";
import { type Draw, loadCharts } from "./pages/charts.ts";
import { CONFIRMATION, everythingPage, sessionPage, userPage } from "./pages/one-page.ts";
import { CHARTS } from "./pages/overview-charts.ts";
import { liveWords, type Numbers, overviewChart, overviewPage } from "./pages/overview-page.ts";
import { ICON, messagePage, type Page, type Site } from "./pages/page.ts";
import { backPath, sessionPath, userPath } from "./pages/paths.ts";
import { SCRIPT } from "./pages/script.ts";
import { isLikeId } from "./pages/session-text.ts";
import { sessionsPage } from "./pages/sessions-page.ts";
import { STYLE } from "./pages/style.ts";

/** The admin pages: a fetch handler, and the same for node. */
export interface Admin {
  (request: Request): Promise<Response>;
  /**
   * A request listener for `createServer`, and a middleware for Express and Connect. What is not
   * under the base path goes to `next`.
   */
  readonly node: NodeHandler;
  /** A middleware of harpia(): `app.use("/admin", admin.harpia)`. */
  readonly harpia: HarpiaHandler;
  /** Stops counting events and store operations. */
  close(): void;
}

const NOTICES: Record<string, string> = {
  one: "The session has ended.",
  none: "The session had ended already.",
  user: "All sessions of the user have ended.",
  all: "Every session has ended.",
};
const FILES: Record<string, readonly [type: string, text: string]> = {
  "/admin.css": ["text/css; charset=utf-8", STYLE],
  "/admin.js": ["text/javascript; charset=utf-8", SCRIPT],
  "/icon.svg": ["image/svg+xml", ICON],
};

/**
 * Makes the pages on which operators see sessions and end them.
 *
 * @throws TypeError for options that make no sense, above all where `authorize` is missing: pages
 * that everybody may open are not made.
 */
export function createAdmin<Data extends object>(options: AdminOptions<Data>): Admin {
  const pages = new AdminPages(options);
  const isBelow = (path: string): boolean => pages.isBelow(path);
  const handler = async (request: Request): Promise<Response> =>
    (await pages.answer(request)) ?? textAnswer(404, "Not Found");
  return Object.assign(handler, {
    node: toNodeHandler(isBelow, (request, fields) => pages.answer(request, fields)),
    harpia: toHarpiaHandler((request) => pages.answer(request)),
    close: () => pages.close(),
  });
}

class AdminPages<Data extends object> {
  readonly #options: ReturnType<typeof resolveAdminOptions<Data>>;
  readonly #refusalOf: ReturnType<typeof crossSiteCheck>;
  readonly #site: Site;
  readonly #numbers: Numbers;
  readonly #stops: readonly (() => void)[];
  #draw: Promise<Draw | undefined> | undefined;

  constructor(options: AdminOptions<Data>) {
    this.#options = resolveAdminOptions(options);
    const { session, clock, base, title, trustedOrigins } = this.#options;
    this.#refusalOf = crossSiteCheck({ trustedOrigins });
    this.#site = { base, title, canEndEverything: typeof session.revokeEverything === "function" };
    const [events, times] = [new HourlyEvents(clock), new StoreTimes(clock)];
    this.#numbers = { events, times, look: new StoreLook<unknown>(session.all, clock) };
    this.#stops = [countEvents(session, events), times.listen()];
  }

  isBelow(path: string): boolean {
    const { base } = this.#site;
    return path === base || path.startsWith(`${base}/`);
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  /** @param fields a form that somebody before us has read. */
  answer(request: Request, fields?: URLSearchParams): Promise<Response | undefined> {
    const url = new URL(request.url);
    if (!this.isBelow(url.pathname)) return Promise.resolve(undefined);
    // What these pages ask of the store is no news to whoever looks at them.
    return this.#numbers.times.without(() => this.#answer(url, request, fields));
  }

  async #answer(url: URL, request: Request, fields?: URLSearchParams): Promise<Response> {
    const path = url.pathname.slice(this.#site.base.length) || "/";
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead && request.method !== "POST")
      return textAnswer(405, "Method Not Allowed", { allow: "GET, HEAD, POST" });
    if (this.#refusalOf(request))
      return textAnswer(403, "Forbidden: this request came from another site");
    const refused = await this.#refuse(request, isRead ? "view" : "end");
    if (refused) return refused;
    try {
      return isRead
        ? await this.#read(path, url.searchParams)
        : await this.#end(path, fields ?? (await readForm(request)));
    } catch (error) {
      if (error instanceof FormError)
        return this.#page(messagePage(error.status, "Not accepted", error.message));
      if (!(error instanceof StoreError)) throw error;
      if (error.code === "ERR_STORE_UNSUPPORTED")
        return this.#page(
          messagePage(
            501,
            "Not with this store",
            `${error.store} has only get, set and delete: it can neither list sessions nor find them by their handles.`,
          ),
        );
      return this.#page(
        messagePage(
          503,
          "The store does not answer",
          `${error.store} failed at ${error.operation}. Whether anything was ended is not known: look again when it answers.`,
        ),
      );
    }
  }

  async #refuse(request: Request, action: AdminAction): Promise<Response | undefined> {
    const verdict: unknown = await this.#options.authorize(request, action);
    if (verdict === true) return undefined;
    return verdict instanceof Response ? verdict : textAnswer(403, "Forbidden");
  }

  async #read(path: string, query: URLSearchParams): Promise<Response> {
    const { session, clock, showData } = this.#options;
    const now = clock.now();
    const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
    if (file) return fileAnswer(file);
    const q = (query.get("q") ?? "").trim();
    const by = query.get("by") ?? "user";
    const done = query.get("done") ?? "";
    const notice = Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
    if (path === "/") {
      const page = overviewPage(this.#site, this.#numbers, {
        now,
        canDraw: (await this.#charts()) !== undefined,
      });
      return this.#page({ ...(await page), notice });
    }
    if (path === "/sessions") {
      // What is looked for exactly has a page of its own.
      const isExact = q !== "" && !isLikeId(q, now);
      if (isExact && by === "user") return redirectAnswer(userPath(this.#site, q));
      if (isExact && by === "handle") return redirectAnswer(sessionPath(this.#site, q));
      return this.#page({
        ...(await sessionsPage(
          this.#site,
          session.all,
          { by, q, cursor: query.get("cursor") ?? undefined, before: query.getAll("before") },
          now,
        )),
        notice,
      });
    }
    if (path === "/session")
      return this.#page(
        await sessionPage(this.#site, session.all, query.get("handle") ?? "", { now, showData }),
      );
    if (path === "/user")
      return this.#page({
        ...(await userPage(this.#site, session.all, query.get("id") ?? "", now)),
        notice,
      });
    if (path === "/end-everything" && this.#site.canEndEverything)
      return this.#page(everythingPage(this.#site, await this.#live()));
    const chart = CHARTS.find((name) => path === `/charts/${name}.svg`);
    const draw = chart && (await this.#charts());
    if (!chart || !draw)
      return this.#page(messagePage(404, "No such page", "There is no such page here."));
    const look = query.get("look") ?? "";
    const svg = draw((await overviewChart(this.#numbers, chart)).chart, {
      isDark: look.endsWith("-dark"),
      isNarrow: look.startsWith("narrow-"),
    });
    return chartAnswer(svg);
  }

  async #end(path: string, form: URLSearchParams): Promise<Response> {
    const { session } = this.#options;
    if (path === "/end") {
      const isEnded = await session.all.revoke(form.get("handle") ?? "");
      return redirectAnswer(backPath(this.#site, form.get("back") ?? "", isEnded ? "one" : "none"));
    }
    const user = form.get("user") ?? "";
    if (path === "/end-user" && user !== "") {
      await session.revokeAll(user);
      return redirectAnswer(backPath(this.#site, userPath({ base: "" }, user), "user"));
    }
    if (path === "/end-everything" && session.revokeEverything) {
      const given = form.get("confirm") ?? "";
      if (given.trim().toLowerCase() !== CONFIRMATION)
        return this.#page(everythingPage(this.#site, await this.#live(), { isWrong: true }));
      await session.revokeEverything();
      return redirectAnswer(backPath(this.#site, "/", "all"));
    }
    return this.#page(messagePage(404, "No such page", "There is nothing to be ended here."));
  }

  /** How many sessions live, in words; `undefined` where the store cannot tell. */
  async #live(): Promise<string | undefined> {
    try {
      return liveWords((await this.#numbers.look.sample()).live);
    } catch (error) {
      if (error instanceof StoreError) return undefined;
      throw error;
    }
  }

  #charts(): Promise<Draw | undefined> {
    return (this.#draw ??= loadCharts());
  }

  #page(page: Page): Promise<Response> {
    return pageAnswer(this.#site, page);
  }
}
