import { Links, Meta, Outlet, Scripts, ScrollRestoration } from "react-router";
import type { Route } from "./+types/root";
import { sessionMiddleware } from "./session.server";

// On the root route, so that every request goes through it.
export const middleware: Route.MiddlewareFunction[] = [sessionMiddleware];

// Without a loader no navigation in the browser would ask the server, and no middleware would run.
export function loader() {
  return null;
}

export default function Root() {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>harpiats with React Router</title>
        <Meta />
        <Links />
      </head>
      <body>
        <Outlet />
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}
