// harpiats: an app to try sessions on, or to build on. Sessions alone are harpiats/session, without
// Hono and srvx.
export { type App, default } from "./app/app.ts";
export type { ErrorHandler, Handler, Middleware, Next, PathParams } from "./app/handler.ts";
export type { RequestHeaders } from "./app/request-headers.ts";
export type { Request } from "./app/request.ts";
export type { ResponseHeaders } from "./app/response-headers.ts";
export type { Body, RedirectStatus, Response } from "./app/response.ts";
export { type AddRoute, Router, type RouterConstructor } from "./app/router.ts";
export type { ListenOptions, Server } from "./app/server.ts";
