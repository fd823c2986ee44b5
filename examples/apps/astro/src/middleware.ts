// Every request gets its session as locals.visit. It is written when the page has answered, and before the answer leaves.
import type { APIContext, MiddlewareHandler, MiddlewareNext } from "astro";
import { withSession } from "harpiats/adapters/fetch";
import { withCsrf } from "harpiats/csrf";
import { sessions } from "./lib/session";

const answer = withSession(
  sessions,
  (_request, session, context: APIContext, next: MiddlewareNext) => {
    context.locals.visit = session;
    return next();
  },
);

// Astro checks where forms come from; this checks everything that changes something.
const checked = withCsrf(answer);

export const onRequest: MiddlewareHandler = (context, next) =>
  // A page that is built ahead has no visitor, and no headers.
  context.isPrerendered ? next() : checked(context.request, context, next);
