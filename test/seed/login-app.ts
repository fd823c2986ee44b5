// A program as somebody would write it who follows the seed's page: the same calls, the package by
// its name. Tests run it as it is here, and again from the packed tarball.
import harpia, { type App, type Request, type Response } from "harpiats";
import { Session } from "harpiats/session";

/** The four routes of the page, for one Session. */
export function loginApp(session: Session = new Session()): App {
  const app = harpia();

  app.get("/login", async (_req: Request, res: Response) => {
    const id = await session.create({ userId: "ada", role: "guest" });
    session.setCookie(res, id, { httpOnly: true, secure: true });
    res.json({ welcome: "ada" });
  });

  app.get("/profile", async (req: Request, res: Response) => {
    const visitor = await session.fromRequest(req);
    if (visitor) res.json({ signedIn: true, visitor });
    else res.json({ signedIn: false });
  });

  app.get("/update-role", async (req: Request, res: Response) => {
    const id = req.cookies.get(session.cookieName);
    const isUpdated = await session.update(id, { role: "editor" });
    res.json({ isUpdated });
  });

  app.get("/logout", async (req: Request, res: Response) => {
    const id = req.cookies.get(session.cookieName);
    if (id) {
      await session.delete(id, res);
      res.json({ signedOut: true });
    } else {
      res.json({ signedOut: false });
    }
  });

  return app;
}
