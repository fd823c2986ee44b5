import { goOn } from "../../../streamed";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = () => {
  goOn();
  return new Response("gone on");
};
