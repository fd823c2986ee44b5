import { conformance } from "../../../lib/conformance";

export const GET = (request: Request): Promise<Response> =>
  conformance().answer(request, (own) => conformance().respond(own, new URL(request.url).pathname));
