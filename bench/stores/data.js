// What the sessions of this part hold: the fields of a login and some of an application's, about
// 400 bytes of JSON; or the fields of a login alone, as in the other parts.
import { dataOf as loginOf } from "../read/cases.js";

/** The sessions that each candidate signs in before it is measured. */
export const SESSIONS = 1000;

export function dataOf(number, size) {
  if (size === "login") return loginOf(number);
  return {
    userId: `user-${number}`,
    name: "Ada Lovelace",
    role: "editor",
    locale: "en-GB",
    signedInAt: 1_700_000_000_000 + number,
    permissions: [
      "articles:read",
      "articles:write",
      "comments:read",
      "comments:write",
      "media:read",
    ],
    team: { id: `team-${number % 50}`, name: "Analytical Engines", plan: "business" },
    recent: [101, 205, 309, 413].map((page) => ({
      page: page + number,
      at: 1_700_000_000_000 + page,
    })),
  };
}
