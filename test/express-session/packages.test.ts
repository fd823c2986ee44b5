// Packages that sit on req.session: each as one small program, once on express-session and once on
// ours in its place. The visitor is told the same.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, before, describe, it } from "node:test";
import compression from "compression";
import cors from "cors";
import express from "express";
import { requireApart } from "../support/packages-apart.ts";
import { listen, type Listening } from "../support/listen.ts";
import { type Bag, FACTORIES, OPTIONS } from "./program.ts";
import { Visitor } from "./visitor.ts";

const load = async (name: string): Promise<Bag> => requireApart("packages on req.session", name);

/** What a program's visitor was told, step by step. */
type Story = (site: { session: Bag; start(app: Bag): Promise<string> }) => Promise<unknown[]>;

const appWith = (session: Bag, options: Bag = {}): Bag => {
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  app.use(session({ ...OPTIONS, ...options }));
  return app;
};
const withErrors = (app: Bag): Bag =>
  app.use((error: Bag, _req: Bag, res: Bag, _next: Bag) =>
    res.status(error.status ?? error.statusCode ?? 500).send(error.code ?? error.message),
  );

const users = { ann: "Ann" } as Record<string, string>;

async function localPassport(): Promise<Bag> {
  const { Passport } = await load("passport");
  const { Strategy } = await load("passport-local");
  const passport = new Passport();
  passport.use(
    new Strategy((name: string, password: string, done: Bag) =>
      done(null, password === "right" && users[name] !== undefined ? { id: name } : false),
    ),
  );
  passport.serializeUser((user: Bag, done: Bag) => done(null, user.id));
  passport.deserializeUser((id: string, done: Bag) => done(null, { id, name: users[id] }));
  return passport;
}

const STORIES: Record<string, Story> = {
  async "passport with passport-local"({ session, start }) {
    const passport = await localPassport();
    const app = appWith(session);
    app.use(passport.session());
    app.post("/basket", (req: Bag, res: Bag) => {
      req.session.basket = "book";
      res.send("kept");
    });
    for (const keepSessionInfo of [false, true]) {
      app.post(
        keepSessionInfo ? "/login-keeping" : "/login",
        passport.authenticate("local", { keepSessionInfo }),
        (req: Bag, res: Bag) => res.send(`in ${req.user.id} ${req.session.basket}`),
      );
    }
    app.get("/me", (req: Bag, res: Bag) => res.send(String(req.user?.name)));
    app.post("/logout", (req: Bag, res: Bag, next: Bag) =>
      req.logout((error: unknown) => (error ? next(error) : res.send("out"))),
    );
    const url = await start(withErrors(app));
    const story: unknown[] = [];
    for (const login of ["/login", "/login-keeping"]) {
      const visitor = new Visitor(url);
      story.push(await visitor.told("POST", "/basket"));
      const visitorId = visitor.sessionId;
      story.push(await visitor.told("POST", login, { username: "ann", password: "wrong" }));
      story.push(await visitor.told("POST", login, { username: "ann", password: "right" }));
      story.push(visitorId !== visitor.sessionId, await visitor.told("GET", "/me"));
      const signedIn = new Visitor(url);
      signedIn.cookies.set("connect.sid", visitor.sessionId as string);
      story.push(await visitor.told("POST", "/logout"), await visitor.told("GET", "/me"));
      story.push(await signedIn.told("GET", "/me"));
    }
    return story;
  },

  async "passport with an OAuth2 strategy"({ session, start }) {
    const { Passport } = await load("passport");
    const OAuth2Strategy = await load("passport-oauth2");
    const provider = await startProvider();
    try {
      const passport = new Passport();
      passport.use(
        new OAuth2Strategy(
          { ...provider.client, callbackURL: "http://localhost/callback", state: true },
          (_token: string, _refresh: string, _profile: unknown, done: Bag) =>
            done(null, { id: "ann" }),
        ),
      );
      passport.serializeUser((user: Bag, done: Bag) => done(null, user.id));
      passport.deserializeUser((id: string, done: Bag) => done(null, { id }));
      const app = appWith(session);
      app.use(passport.session());
      app.get("/login", passport.authenticate("oauth2"));
      app.get("/callback", passport.authenticate("oauth2"), (req: Bag, res: Bag) =>
        res.send(`in ${req.user.id}`),
      );
      app.get("/me", (req: Bag, res: Bag) => res.send(String(req.user?.id)));
      const url = await start(withErrors(app));
      const visitor = new Visitor(url);
      const { location } = await visitor.ask("GET", "/login");
      const state = new URL(location).searchParams.get("state") as string;
      const story: unknown[] = [await visitor.told("GET", "/callback?code=1&state=wrong")];
      const again = new Visitor(url);
      const second = await again.ask("GET", "/login");
      const right = new URL(second.location).searchParams.get("state") as string;
      story.push(await again.told("GET", `/callback?code=1&state=${encodeURIComponent(right)}`));
      story.push(await again.told("GET", "/me"), state !== right);
      return story;
    } finally {
      await provider.close();
    }
  },

  async grant({ session, start }) {
    const grant = await load("grant");
    const provider = await startProvider();
    try {
      const app = appWith(session);
      app.use(
        grant.express({
          defaults: { origin: "http://localhost", transport: "session", state: true },
          local: {
            authorize_url: provider.client.authorizationURL,
            access_url: provider.client.tokenURL,
            oauth: 2,
            key: "id",
            secret: "secret",
            callback: "/done",
          },
        }),
      );
      app.get("/done", (req: Bag, res: Bag) =>
        res.json(req.session.grant?.response?.error ?? req.session.grant?.response?.access_token),
      );
      const url = await start(withErrors(app));
      const story: unknown[] = [];
      for (const isRight of [true, false]) {
        const visitor = new Visitor(url);
        const { location } = await visitor.ask("GET", "/connect/local");
        const state = isRight ? (new URL(location).searchParams.get("state") as string) : "wrong";
        const back = await visitor.ask("GET", `/connect/local/callback?code=1&state=${state}`);
        const { pathname } = new URL(back.location, url);
        story.push(pathname, await visitor.told("GET", "/done"));
      }
      return story;
    } finally {
      await provider.close();
    }
  },

  async "connect-flash"({ session, start }) {
    const flash = await load("connect-flash");
    const app = appWith(session);
    app.use(flash());
    app.post("/put", (req: Bag, res: Bag) => {
      req.flash("info", "for Ann only");
      res.redirect("/take");
    });
    app.get("/take", (req: Bag, res: Bag) => res.json(req.flash("info")));
    const url = await start(withErrors(app));
    const visitor = new Visitor(url);
    const stranger = new Visitor(url);
    await visitor.told("POST", "/put");
    return [
      await stranger.told("GET", "/take"),
      await visitor.told("GET", "/take"),
      await visitor.told("GET", "/take"),
    ];
  },

  async "csrf-sync"({ session, start }) {
    const { csrfSync } = await load("csrf-sync");
    const { generateToken, csrfSynchronisedProtection } = csrfSync();
    const app = appWith(session);
    app.get("/form", (req: Bag, res: Bag) => res.send(generateToken(req)));
    app.post("/pay", csrfSynchronisedProtection, (_req: Bag, res: Bag) => res.send("paid"));
    return payWithAndWithout(await start(withErrors(app)), (token) => ({ "x-csrf-token": token }));
  },

  async "lusca.csrf"({ session, start }) {
    const lusca = await load("lusca");
    const app = appWith(session);
    app.use(lusca.csrf());
    app.get("/form", (_req: Bag, res: Bag) => res.send(res.locals._csrf));
    app.post("/pay", (_req: Bag, res: Bag) => res.send("paid"));
    return payWithAndWithout(await start(withErrors(app)), (token) => ({ "x-csrf-token": token }));
  },

  async "csrf-csrf, with cookie-parser"({ session, start }) {
    const cookieParser = await load("cookie-parser");
    const { doubleCsrf } = await load("csrf-csrf");
    const { generateCsrfToken, doubleCsrfProtection } = doubleCsrf({
      getSecret: () => "a secret of csrf-csrf",
      getSessionIdentifier: (req: Bag) => req.session.id,
      cookieName: "csrf",
      cookieOptions: { secure: false },
    });
    const app = appWith(session);
    // After the session, with another secret than its own.
    app.use(cookieParser("another secret"));
    app.get("/form", (req: Bag, res: Bag) => {
      req.session.seen = true;
      res.send(generateCsrfToken(req, res));
    });
    app.post("/pay", doubleCsrfProtection, (_req: Bag, res: Bag) => res.send("paid"));
    return payWithAndWithout(await start(withErrors(app)), (token) => ({ "x-csrf-token": token }));
  },

  async "cookie-parser before, with the same secret"({ session, start }) {
    const cookieParser = await load("cookie-parser");
    const app = express();
    app.use(cookieParser(OPTIONS.secret), session({ resave: false, saveUninitialized: false }));
    app.get("/", (req: Bag, res: Bag) =>
      res.send(String((req.session.visits = (req.session.visits ?? 0) + 1))),
    );
    const visitor = new Visitor(await start(withErrors(app)));
    return [await visitor.told("GET", "/"), await visitor.told("GET", "/")];
  },

  async "connect-ensure-login"({ session, start }) {
    const { ensureLoggedIn } = await load("connect-ensure-login");
    const passport = await localPassport();
    const app = appWith(session);
    app.use(passport.session());
    app.get("/private", ensureLoggedIn("/login"), (req: Bag, res: Bag) => res.send(req.user.name));
    app.post(
      "/login",
      passport.authenticate("local", { successReturnToOrRedirect: "/", keepSessionInfo: true }),
    );
    const visitor = new Visitor(await start(withErrors(app)));
    const refused = await visitor.ask("GET", "/private");
    const login = await visitor.ask("POST", "/login", {
      form: { username: "ann", password: "right" },
    });
    return [refused.location, login.location, await visitor.told("GET", login.location)];
  },

  async "compression, helmet and cors, before and after"({ session, start }) {
    const helmet = await load("helmet");
    const story: unknown[] = [];
    for (const isBefore of [true, false]) {
      const others = [compression({ threshold: 0 }), helmet(), cors()];
      const app = express();
      const ours = session(OPTIONS);
      app.use(...(isBefore ? [...others, ours] : [ours, ...others]));
      app.get("/", (req: Bag, res: Bag) => {
        req.session.visits = (req.session.visits ?? 0) + 1;
        res.send(`visit ${req.session.visits} ${"long ".repeat(500)}`);
      });
      app.get("/stream", (req: Bag, res: Bag) => {
        req.session.visits = 10;
        res.write("first ");
        res.flush?.();
        setImmediate(() => res.end("last"));
      });
      const visitor = new Visitor(await start(withErrors(app)));
      for (const path of ["/", "/", "/stream", "/"]) {
        const { told, headers } = await visitor.ask("GET", path, {
          headers: { "accept-encoding": "gzip", origin: "http://other.example" },
        });
        story.push(told.slice(0, 14), headers.get("content-encoding"));
        story.push(headers.get("access-control-allow-origin"), headers.has("x-frame-options"));
      }
    }
    return story;
  },

  async "@nestjs/passport"({ session, start: _start }) {
    await load("reflect-metadata");
    const { Injectable, Controller, Get, Post, Req, UseGuards, Module } =
      await load("@nestjs/common");
    const { NestFactory } = await load("@nestjs/core");
    const { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } =
      await load("@nestjs/passport");
    const { Strategy } = await load("passport-local");
    const passport = await load("passport");
    class Local extends PassportStrategy(Strategy) {
      validate(name: string, password: string): object | null {
        return password === "right" ? { id: name } : null;
      }
    }
    Injectable()(Local);
    class Serializer extends PassportSerializer {
      serializeUser(user: Bag, done: Bag): void {
        done(null, user.id);
      }
      deserializeUser(id: string, done: Bag): void {
        done(null, { id, name: users[id] });
      }
    }
    Injectable()(Serializer);
    class LocalGuard extends AuthGuard("local") {
      async canActivate(context: Bag): Promise<boolean> {
        const isIn = (await super.canActivate(context)) as boolean;
        await super.logIn(context.switchToHttp().getRequest());
        return isIn;
      }
    }
    class Pages {
      login(req: Bag): string {
        return `in ${req.user.id}`;
      }
      me(req: Bag): string {
        return String(req.user?.name);
      }
    }
    const decorate = (name: "login" | "me", ...decorators: Bag[]): void => {
      Req()(Pages.prototype, name, 0);
      const descriptor = Object.getOwnPropertyDescriptor(Pages.prototype, name);
      for (const decorator of decorators) decorator(Pages.prototype, name, descriptor);
    };
    decorate("login", Post("login"), UseGuards(LocalGuard));
    decorate("me", Get("me"));
    Controller()(Pages);
    // oxlint-disable-next-line typescript/no-extraneous-class
    class App {}
    Module({
      imports: [PassportModule.register({ session: true })],
      controllers: [Pages],
      providers: [Local, Serializer],
    })(App);
    const app = await NestFactory.create(App, { logger: false });
    app.use(session(OPTIONS), passport.session());
    await app.listen(0, "127.0.0.1");
    try {
      const visitor = new Visitor(await app.getUrl());
      return [
        await visitor.told("POST", "/login", { username: "ann", password: "wrong" }),
        await visitor.told("POST", "/login", { username: "ann", password: "right" }),
        await visitor.told("GET", "/me"),
      ];
    } finally {
      await app.close();
    }
  },

  async "socket.io"({ session, start: _start }) {
    const { Server: SocketServer } = await load("socket.io");
    const { io } = await load("socket.io-client");
    const middleware = session(OPTIONS);
    const app = express();
    app.use(middleware);
    app.get("/", (req: Bag, res: Bag) => res.send(String((req.session.name ??= "ann"))));
    const server = createServer(app);
    const sockets = new SocketServer(server);
    sockets.engine.use(middleware);
    sockets.on("connection", (socket: Bag) => {
      socket.on("rename", (name: string, done: Bag) => {
        const { request } = socket;
        request.session.reload((error: unknown) => {
          if (error) return done("gone");
          request.session.name += ` and ${name}`;
          request.session.save((failure: unknown) => done(failure ? "failed" : "renamed"));
        });
      });
    });
    const { url, close } = await listen(server);
    try {
      const story: unknown[] = [];
      for (const transports of [["polling"], ["websocket"]]) {
        const visitor = new Visitor(url);
        story.push(await visitor.told("GET", "/"));
        const cookie = `connect.sid=${visitor.sessionId}`;
        const socket = io(url, { transports, extraHeaders: { cookie }, reconnection: false });
        story.push(await socket.timeout(10_000).emitWithAck("rename", "bob"));
        socket.close();
        story.push(await visitor.told("GET", "/"));
      }
      return story;
    } finally {
      await sockets.close();
      await close().catch(() => {});
    }
  },
};

async function payWithAndWithout(
  url: string,
  headersOf: (token: string) => Record<string, string>,
): Promise<unknown[]> {
  const visitor = new Visitor(url);
  const stranger = new Visitor(url);
  const { text: token } = await visitor.ask("GET", "/form");
  await stranger.ask("GET", "/form");
  const headers = headersOf(token);
  return [
    token.length > 10,
    (await visitor.ask("POST", "/pay", { headers })).told,
    (await visitor.ask("POST", "/pay")).told,
    (await stranger.ask("POST", "/pay", { headers })).told,
  ];
}

/** Gives every code a token. */
async function startProvider(): Promise<{ client: Bag; close(): Promise<unknown> }> {
  const server: Server = createServer((_req, res) => {
    res.setHeader("content-type", "application/json");
    res.end(JSON.stringify({ access_token: "token", token_type: "bearer" }));
  });
  const { url, close } = await listen(server);
  const client = {
    authorizationURL: `${url}/authorize`,
    tokenURL: `${url}/token`,
    clientID: "id",
    clientSecret: "secret",
  };
  return { client, close };
}

describe("packages that sit on req.session are told the same", () => {
  const servers: Listening[] = [];
  before(() => load("express"));
  after(() => Promise.all(servers.map((server) => server.close())));
  const start = async (app: Bag): Promise<string> => {
    const server = await listen(createServer(app));
    servers.push(server);
    return server.url;
  };

  for (const [name, tell] of Object.entries(STORIES)) {
    it(name, { timeout: 60_000 }, async () => {
      const [theirs, ours] = await Promise.all(
        Object.values(FACTORIES).map((session) => tell({ session, start })),
      );
      assert.ok(theirs && theirs.length > 1);
      assert.deepEqual(ours, theirs);
      if (process.env["STORIES"]) process.stderr.write(`${name}: ${JSON.stringify(theirs)}\n`);
    });
  }
});
