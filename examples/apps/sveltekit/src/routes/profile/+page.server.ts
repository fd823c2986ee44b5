import { redirect } from "@sveltejs/kit";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals: { session } }) => {
  const user = await session.user;
  if (!user) redirect(303, "/");
  const notice = await session.takeFlash("notice");
  return { user, notice: typeof notice === "string" ? notice : undefined };
};

export const actions: Actions = {
  color: async ({ request, locals: { session } }) => {
    // An action is an address like any other: who may call it is asked here, whatever page shows its form.
    if (!(await session.user)) redirect(303, "/");
    session.set("color", String((await request.formData()).get("color") ?? "").slice(0, 20));
    session.flash("notice", "Your colour was saved.");
    redirect(303, "/profile");
  },
  signOut: async ({ locals: { session } }) => {
    await session.destroy();
    redirect(303, "/");
  },
};
