import { conformance } from "../../../conformance";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = ({ locals, url }) =>
  conformance().respond(Reflect.get(locals, "own"), url.pathname);
