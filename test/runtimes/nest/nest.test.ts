// NestJS on Express and on Fastify: no adapter of its own, @Session() is what ours put on the
// request. Without decorator syntax, which no runtime can erase. The packages are this folder's:
// test:runtimes installs them.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { expressSession } from "../../../src/adapters/express.ts";
import { fastifySession } from "../../../src/adapters/fastify.ts";
import { type RequestSession, Session } from "../../../src/session.ts";
import { adapterConformance, type StartedApp } from "../../../src/testing.ts";
import { projectFolder } from "../../support/project.ts";

type Data = Record<string, unknown>;
type Own = RequestSession<Data>;
type Decorator = (target: object, name?: string, at?: PropertyDescriptor | number) => void;

/** Nest, as far as it is used. */
interface Nest {
  Controller(): Decorator;
  Module(metadata: { controllers?: object[]; providers?: unknown[] }): Decorator;
  All(path: string): Decorator;
  Get(path: string): Decorator;
  Post(path: string): Decorator;
  HttpCode(status: number): Decorator;
  UseGuards(...guards: object[]): Decorator;
  Session(): Decorator;
  Req(): Decorator;
  Res(): Decorator;
  UnauthorizedException: new () => Error;
}
interface Application {
  use(middleware: unknown): void;
  register(plugin: unknown): Promise<void>;
  listen(port: number, host: string): Promise<unknown>;
  getUrl(): Promise<string>;
  close(): Promise<void>;
}
interface Factory {
  NestFactory: { create(module: object, ...rest: unknown[]): Promise<Application> };
}

const require = createRequire(join(projectFolder, "test/runtimes/nest/package.json"));
const load = (name: string): Promise<unknown> => import(pathToFileURL(require.resolve(name)).href);
await load("reflect-metadata");
// Nest's own exports.
const nest = (await load("@nestjs/common")) as Nest;
const { NestFactory } = (await load("@nestjs/core")) as Factory;
const { FastifyAdapter } = (await load("@nestjs/platform-fastify")) as {
  FastifyAdapter: new () => object;
};

/** Decorates a method, and its parameters in their order. */
function decorate(
  Class: new () => object,
  name: string,
  decorators: readonly Decorator[],
  parameters: readonly Decorator[],
): void {
  for (const decorator of decorators)
    decorator(
      Class.prototype as object,
      name,
      Object.getOwnPropertyDescriptor(Class.prototype, name) as PropertyDescriptor,
    );
  for (const [at, decorator] of parameters.entries())
    decorator(Class.prototype as object, name, at);
}

function moduleOf(Controller: new () => object): object {
  // A class to decorate is all that Nest wants.
  // oxlint-disable-next-line typescript/no-extraneous-class
  class AppModule {}
  nest.Controller()(Controller);
  nest.Module({ controllers: [Controller] })(AppModule);
  return AppModule;
}

const PLATFORMS: Record<string, (module: object, session: Session<Data>) => Promise<Application>> =
  {
    async Express(module, session) {
      const app = await NestFactory.create(module, { logger: false });
      app.use(expressSession(session));
      return app;
    },
    async Fastify(module, session) {
      const app = await NestFactory.create(module, new FastifyAdapter(), {
        logger: false,
        forceCloseConnections: true,
      });
      await app.register(fastifySession(session));
      return app;
    },
  };

async function listen(app: Application): Promise<StartedApp> {
  await app.listen(0, "127.0.0.1");
  return { url: await app.getUrl(), close: () => app.close() };
}

for (const [platform, create] of Object.entries(PLATFORMS)) {
  adapterConformance(
    { describe, it, before, after },
    {
      name: `NestJS on ${platform}`,
      async start(session, handle) {
        class Pages {
          async answer(
            own: Own,
            req: { url: string },
            res: Record<"status" | "header" | "send", (...args: unknown[]) => unknown>,
          ): Promise<void> {
            const { status, headers, body } = await handle(own, req.url);
            res.status(status);
            for (const [name, value] of Object.entries(headers)) res.header(name, value);
            res.send(body);
          }
        }
        decorate(
          Pages,
          "answer",
          [nest.All(platform === "Express" ? "*path" : "*")],
          [nest.Session(), nest.Req(), nest.Res()],
        );
        return listen(await create(moduleOf(Pages), session));
      },
    },
  );

  describe(`NestJS on ${platform}`, () => {
    const down = (): Promise<never> => Promise.reject(new Error("down"));

    class Guard {
      async canActivate(context: {
        switchToHttp(): { getRequest(): { session: Own } };
      }): Promise<boolean> {
        if ((await context.switchToHttp().getRequest().session.get("userId")) === undefined)
          throw new nest.UnauthorizedException();
        return true;
      }
    }
    class Account {
      login(own: Own): Promise<void> {
        return own.login({ userId: "1" });
      }
      async me(own: Own): Promise<unknown> {
        return own.data;
      }
      async refuse(own: Own): Promise<void> {
        own.set("attempts", 1);
        throw new nest.UnauthorizedException();
      }
    }
    decorate(Account, "login", [nest.Post("login"), nest.HttpCode(204)], [nest.Session()]);
    decorate(Account, "me", [nest.Get("me"), nest.UseGuards(Guard)], [nest.Session()]);
    decorate(Account, "refuse", [nest.Post("refuse")], [nest.Session()]);

    async function whileListening(
      session: Session<Data>,
      test: (url: string) => Promise<void>,
    ): Promise<void> {
      const { url, close } = await listen(await create(moduleOf(Account), session));
      await test(url).finally(close);
    }

    it("is there for guards, and writes for what returns and for what Nest refuses", async () => {
      const session = new Session<Data>({ cookie: { secure: false } });
      await whileListening(session, async (url) => {
        assert.equal((await fetch(`${url}/me`)).status, 401);
        const login = await fetch(`${url}/login`, { method: "POST" });
        const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";
        assert.equal(
          (await fetch(`${url}/refuse`, { method: "POST", headers: { cookie } })).status,
          401,
        );
        assert.deepEqual(await (await fetch(`${url}/me`, { headers: { cookie } })).json(), {
          userId: "1",
          attempts: 1,
        });
      });
    });

    it("answers 503 where the store is down, and says nothing of it", async () => {
      await whileListening(
        new Session<Data>({
          store: { get: down, set: down, delete: down },
          cookie: { secure: false },
        }),
        async (url) => {
          const response = await fetch(`${url}/login`, { method: "POST" });
          assert.equal(response.status, 503);
          assert.deepEqual(response.headers.getSetCookie(), []);
          assert.doesNotMatch(await response.text(), /store|down|Object/i);
        },
      );
    });
  });
}
