import { data, Form, redirect } from "react-router";
import { sessionContext } from "../session.server";
import type { Route } from "./+types/sign-in";

export async function loader({ context }: Route.LoaderArgs) {
  if (await context.get(sessionContext).user) throw redirect("/profile", 303);
  return null;
}

export async function action({ request, context }: Route.ActionArgs) {
  const session = context.get(sessionContext);
  const name = String((await request.formData()).get("name") ?? "").trim();
  if (name === "" || name.length > 60) return data({ wrong: "Enter a name." }, 400);
  await session.login({ name });
  session.flash("notice", `Welcome, ${name}.`);
  return redirect("/profile", 303);
}

export default function SignIn({ actionData }: Route.ComponentProps) {
  return (
    <main>
      <h1>Sign in</h1>
      <Form id="sign-in" method="post">
        <label>
          Name <input name="name" required maxLength={60} autoComplete="username" />
        </label>
        {actionData?.wrong && <p role="alert">{actionData.wrong}</p>}
        <button>Sign in</button>
      </Form>
    </main>
  );
}
