// Ours: Session.fromRequest over a MemoryStore, everything as it is by default.
import { MemoryStore, Session } from "../../../dist/session.js";
import { fetchRequest, nodeRequest } from "../messages.js";

export async function setUp({ request }) {
  const session = new Session({ store: new MemoryStore() });
  return {
    cookieName: session.cookieName,
    isReusable: true,
    signIn: async (data) => `${session.cookieName}=${await session.create(data)}`,
    toInput: request === "fetch" ? fetchRequest : nodeRequest,
    read: (input) => session.fromRequest(input),
    toData: (data) => data,
  };
}
