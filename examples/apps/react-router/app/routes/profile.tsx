import { Form, redirect } from "react-router";
import { sessionContext } from "../session.server";
import type { Route } from "./+types/profile";

export async function loader({ context }: Route.LoaderArgs) {
  const session = context.get(sessionContext);
  const user = await session.user;
  if (!user) throw redirect("/", 303);
  const notice = await session.takeFlash("notice");
  return { user, notice: typeof notice === "string" ? notice : undefined };
}

export async function action({ request, context }: Route.ActionArgs) {
  const session = context.get(sessionContext);
  // An action is an address like any other: who may call it is asked here, whatever page shows its form.
  if (!(await session.user)) throw redirect("/", 303);
  session.set("color", String((await request.formData()).get("color") ?? "").slice(0, 20));
  session.flash("notice", "Your colour was saved.");
  return redirect("/profile", 303);
}

export default function Profile({ loaderData: { user, notice } }: Route.ComponentProps) {
  return (
    <main>
      <h1>Hello, {user.name}</h1>
      {notice && <p role="status">{notice}</p>}
      <Form id="color" method="post">
        <label>
          Colour <input name="color" defaultValue={user.color} />
        </label>
        <button>Save</button>
      </Form>
      <Form id="sign-out" method="post" action="/sign-out">
        <button>Sign out</button>
      </Form>
    </main>
  );
}
