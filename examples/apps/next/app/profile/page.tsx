import { redirect } from "next/navigation";
import { getSession } from "../../lib/session";
import { chooseColor, signOut } from "../actions";

export default async function ProfilePage() {
  const session = await getSession();
  const user = await session.user;
  if (!user) redirect("/");
  // Taking a message needs no cookie, so that a server component may. Links to this page have prefetch={false}.
  const notice = await session.takeFlash("notice");
  return (
    <main>
      <h1>Hello, {user.name}</h1>
      {typeof notice === "string" && <p role="status">{notice}</p>}
      <form id="color" action={chooseColor}>
        <label>
          Colour <input name="color" defaultValue={user.color} />
        </label>
        <button>Save</button>
      </form>
      <form id="sign-out" action={signOut}>
        <button>Sign out</button>
      </form>
    </main>
  );
}
