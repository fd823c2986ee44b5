import { createContext } from "react-router";
import { conformance, type Own } from "../conformance";
import type { Route } from "./+types/conformance";

const ownContext = createContext<Own>();

export const middleware: Route.MiddlewareFunction[] = [
  ({ request, context }, next) =>
    conformance().answer(request, (own) => {
      context.set(ownContext, own);
      return next();
    }),
];

export const loader = ({ request, context }: Route.LoaderArgs): Promise<Response> =>
  conformance().respond(context.get(ownContext), new URL(request.url).pathname);
