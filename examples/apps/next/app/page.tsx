import { redirect } from "next/navigation";
import { getSession } from "../lib/session";
import { signIn } from "./actions";

export default async function SignInPage() {
  const session = await getSession();
  if (await session.user) redirect("/profile");
  return (
    <main>
      <h1>Sign in</h1>
      <form id="sign-in" action={signIn}>
        <label>
          Name <input name="name" required maxLength={60} autoComplete="username" />
        </label>
        <button>Sign in</button>
      </form>
    </main>
  );
}
