import { fail, redirect } from "@sveltejs/kit";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals }) => {
  if (await locals.session.user) redirect(303, "/profile");
};

export const actions: Actions = {
  default: async ({ request, locals: { session } }) => {
    const name = String((await request.formData()).get("name") ?? "").trim();
    if (name === "" || name.length > 60) return fail(400, { wrong: "Enter a name." });
    await session.login({ name });
    session.flash("notice", `Welcome, ${name}.`);
    redirect(303, "/profile");
  },
};
