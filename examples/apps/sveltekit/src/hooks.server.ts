// Every request gets its session as event.locals.session. It is written when SvelteKit has answered and before the answer leaves.
import type { Handle } from "@sveltejs/kit/hooks";
import { withSession } from "harpiats/adapters/fetch";
import { withCsrf } from "harpiats/csrf";
import { sessions } from "./lib/server/session";

const answer = withSession(
  sessions,
  async (_request, session, { event, resolve }: Parameters<Handle>[0]) => {
    event.locals.session = session;
    return resolve(event);
  },
);

// SvelteKit checks where forms come from; this checks everything that changes something.
const checked = withCsrf(answer);

export const handle: Handle = (input) => checked(input.event.request, input);
