import type { APIRoute } from "astro";
import { conformance } from "../../conformance";

export const GET: APIRoute = ({ locals, url }) =>
  conformance().respond(Reflect.get(locals, "own"), url.pathname);
