import { goOn } from "../streamed";

export function loader() {
  goOn();
  return new Response("gone on");
}
