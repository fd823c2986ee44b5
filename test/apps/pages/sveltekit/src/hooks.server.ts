import type { Handle } from "@sveltejs/kit/hooks";
import { conformance } from "./conformance";
import { handle as example } from "./hooks.example";

export const handle: Handle = (input) => {
  const { event, resolve } = input;
  if (!event.url.pathname.startsWith("/conformance")) return example(input);
  return conformance().answer(event.request, (own) => {
    Object.assign(event.locals, { own });
    return resolve(event);
  });
};
