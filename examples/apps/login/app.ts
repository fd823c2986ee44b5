// The demo's routes: pages for people, and beside them four JSON routes over the same session.
import Bowser from "bowser";
import harpia, { type App, type Request, type Response } from "harpiats";
import { createAdmin } from "harpiats/admin";
import { crossSiteCheck } from "harpiats/csrf";
import { deviceOf } from "harpiats/device";
import { Session, type SessionStore } from "harpiats/session";
import {
  accountPage,
  devicesPage,
  LONGEST_NAME,
  refusalPage,
  ROLES,
  signInPage,
  type Visitor,
} from "./pages.ts";
import { DEVICES_STYLE } from "../../components/devices.ts";
import { ICON, STYLE } from "./style.ts";

// Safari keeps no Secure cookie from http://127.0.0.1, and no browser does from the http:// address
// at which a phone reaches this machine. Everywhere but on your own desk leave this option out:
// cookies are Secure by default.
const cookie = { secure: process.env["NODE_ENV"] === "production" };

const DONE = new Map([
  ["one", "Signed out there."],
  ["none", "That device was signed out already."],
  ["elsewhere", "Signed out everywhere else."],
]);

/**
 * Makes the app.
 *
 * @param store where sessions are kept; by default in the memory of this process.
 */
export function loginApp(store?: SessionStore<Visitor>): App {
  const session = new Session<Visitor>({ cookie, ...(store && { store }) });
  const app = harpia();
  const refusalOf = crossSiteCheck();

  // Everybody's sessions, for those with the role admin; which in this demo anybody may give to
  // themselves.
  const isAdmin = async (request: globalThis.Request): Promise<boolean> =>
    (await session.userFromRequest(request))?.role === "admin";
  app.use(
    "/admin",
    createAdmin({ session, authorize: isAdmin, showData: ["role"], title: "harpiats demo" }).harpia,
  );

  app.use(async (req: Request, res: Response, next) => {
    res.headers.set(
      "content-security-policy",
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    res.headers.set("x-content-type-options", "nosniff");
    // Of frame-ancestors, for browsers that do not know it.
    res.headers.set("x-frame-options", "DENY");
    res.headers.set("referrer-policy", "same-origin");
    if (refusalOf(req)) return res.status(403).html(await refusalPage());
    return next();
  });

  app.get("/", async (req: Request, res: Response) => {
    if (await session.userFromRequest(req, res)) return res.redirect("/account", 303);
    return res.html(await signInPage());
  });

  app.post("/sign-in", async (req: Request, res: Response) => {
    const name = String((await req.formData()).get("name") ?? "").trim();
    if (name === "") return res.status(400).html(await signInPage(name, "Enter a name."));
    if (name.length > LONGEST_NAME)
      return res
        .status(400)
        .html(await signInPage(name, `Enter a name of at most ${LONGEST_NAME} letters.`));
    // A sign-in is a new session: every session that the browser's cookies name ends.
    await session.delete(req);
    session.setCookie(
      res,
      await session.create(
        { userId: name, role: "member" },
        { device: deviceOf(req, { parser: Bowser, keepUserAgent: true }) },
      ),
    );
    return res.redirect("/account", 303);
  });

  app.get("/account", async (req: Request, res: Response) => {
    const visitor = await session.userFromRequest(req, res);
    const deadlines = await session.deadlines(req);
    if (!visitor || !deadlines) return res.redirect("/", 303);
    const notice = req.query["saved"] === "role" ? "Your role was saved." : undefined;
    res.headers.set("cache-control", "no-store");
    return res.html(await accountPage({ visitor, deadlines, now: Date.now(), notice }));
  });

  app.post("/role", async (req: Request, res: Response) => {
    const role = String((await req.formData()).get("role"));
    if (!ROLES.includes(role)) return res.status(400).send("There is no such role.");
    const isUpdated =
      !!(await session.userFromRequest(req, res)) && (await session.update(req, { role }));
    return res.redirect(isUpdated ? "/account?saved=role" : "/", 303);
  });

  app.get("/devices", async (req: Request, res: Response) => {
    const visitor = await session.userFromRequest(req, res);
    if (!visitor) return res.redirect("/", 303);
    const sessions = await session.list(visitor.userId, { current: req });
    const notice = DONE.get(req.query["done"] ?? "");
    res.headers.set("cache-control", "no-store");
    return res.html(await devicesPage({ visitor, sessions, now: Date.now(), notice }));
  });

  app.post("/devices/sign-out", async (req: Request, res: Response) => {
    const visitor = await session.userFromRequest(req, res);
    if (!visitor) return res.redirect("/", 303);
    // The user comes from the session and never from the form: a handle of somebody else is not
    // found.
    const isEnded = await session.revoke(String((await req.formData()).get("handle")), {
      userId: visitor.userId,
    });
    return res.redirect(`/devices?done=${isEnded ? "one" : "none"}`, 303);
  });

  app.post("/devices/sign-out-elsewhere", async (req: Request, res: Response) => {
    const visitor = await session.userFromRequest(req, res);
    if (!visitor) return res.redirect("/", 303);
    await session.revokeAll(visitor.userId, { except: req });
    return res.redirect("/devices?done=elsewhere", 303);
  });

  app.post("/sign-out", async (req: Request, res: Response) => {
    await session.delete(req, res);
    res.redirect("/", 303);
  });

  addJsonRoutes(app, session);

  const asset = (type: string, text: string) => (_req: Request, res: Response) => {
    res.headers.set("content-type", type);
    res.send(text);
  };
  app.get("/style.css", asset("text/css; charset=utf-8", STYLE + DEVICES_STYLE));
  app.get("/icon.svg", asset("image/svg+xml", ICON));
  // Browsers ask for it unasked, such as beside the JSON.
  app.get("/favicon.ico", asset("image/svg+xml", ICON));
  return app;
}

/** The same as JSON, for programs. They change something, so none of them is a GET. */
function addJsonRoutes(app: App, session: Session<Visitor>): void {
  app.post("/login", async (req: Request, res: Response) => {
    await session.delete(req);
    session.setCookie(res, await session.create({ userId: "123" }));
    res.json({ message: "Session created!" });
  });

  app.get("/profile", async (req: Request, res: Response) => {
    const user = await session.userFromRequest(req, res);
    if (user) res.json({ status: "authenticated", user });
    else res.json({ status: "unauthenticated" });
  });

  app.post("/update-role", async (req: Request, res: Response) => {
    if (!(await session.userFromRequest(req, res)))
      return res.status(401).json({ message: "Session not found." });
    await session.update(req, { role: "admin" });
    return res.json({ message: "Session updated." });
  });

  app.post("/logout", async (req: Request, res: Response) => {
    const isEnded = await session.delete(req, res);
    res.json({ message: isEnded ? "Session deleted." : "No session to delete." });
  });
}
