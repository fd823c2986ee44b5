import { restOfPage } from "../../streamed";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals: { session } }) => ({
  name: await session.get("name"),
  rest: restOfPage(session),
});
