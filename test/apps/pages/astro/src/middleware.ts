import type { MiddlewareHandler } from "astro";
import { conformance } from "./conformance";
import { onRequest as example } from "./middleware.example";

export const onRequest: MiddlewareHandler = (context, next) => {
  if (!context.url.pathname.startsWith("/conformance")) return example(context, next);
  return conformance().answer(context.request, (own) => {
    Object.assign(context.locals, { own });
    return next();
  });
};
