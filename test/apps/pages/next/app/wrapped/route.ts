// Not of the example: what nextAction does where Next.js itself carries the cookie, and something goes wrong after a sign-in.
import { nextAction } from "harpiats/adapters/next";
import { MemoryStore, Session } from "harpiats/session";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import type { Visitor } from "../../lib/session";

class BrokenStore extends MemoryStore<Visitor> {
  override patch(): Promise<never> {
    return Promise.reject(new Error("the store is down"));
  }
}

const sessions = new Session<Visitor>({ store: new BrokenStore(), cookieName: "wrapped" });

export const POST = nextAction(sessions, cookies, async (session, request: Request) => {
  const end = new URL(request.url).searchParams.get("end");
  await session.login({ name: "Ada" });
  if (end === "throw") throw new Error("the action is broken");
  if (end === "store") session.set("color", "blue");
  if (end !== "answer") redirect("/profile");
  return new Response("welcome", { headers: { "set-cookie": "theme=light; Path=/" } });
});
