"use server";
// Server actions: whatever changes the session by a form. nextAction writes it and sets its cookie before the redirect leaves.
import { nextAction } from "harpiats/adapters/next";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import { sessions } from "../lib/session";

export const signIn = nextAction(
  sessions,
  cookies,
  async (session, form: FormData) => {
    const name = String(form.get("name") ?? "").trim();
    if (name === "" || name.length > 60) redirect("/");
    await session.login({ name });
    session.flash("notice", `Welcome, ${name}.`);
    redirect("/profile");
  },
  { headers },
);

export const chooseColor = nextAction(
  sessions,
  cookies,
  async (session, form: FormData) => {
    // An action is an address like any other: who may call it is asked here, whatever page shows its form.
    if (!(await session.user)) redirect("/");
    session.set("color", String(form.get("color") ?? "").slice(0, 20));
    session.flash("notice", "Your colour was saved.");
    redirect("/profile");
  },
  { headers },
);

export const signOut = nextAction(
  sessions,
  cookies,
  async (session) => {
    await session.destroy();
    redirect("/");
  },
  { headers },
);
