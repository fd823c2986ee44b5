// Not of the example: a server component that tries what it cannot do, and shows what it was told.
import { getSession } from "../../lib/session";

export const dynamic = "force-dynamic";

export default async function ReadOnlyPage() {
  const session = await getSession();
  const before = JSON.stringify((await session.data) ?? null);
  const attempts: Record<string, () => unknown> = {
    set: () => session.set("color", "stolen"),
    unset: () => session.unset("name"),
    flash: () => session.flash("notice", "stolen"),
    update: () => session.update({ color: "stolen" }),
    "update with a function": () => session.update(() => ({ color: "stolen" })),
    login: () => session.login({ name: "Mallory" }),
    rotate: () => session.rotate(),
    destroy: () => session.destroy(),
  };
  const codes: string[] = [];
  for (const [name, attempt] of Object.entries(attempts)) {
    const code = await Promise.resolve()
      .then(attempt)
      .then(
        () => "done",
        (error: { code?: string }) => error.code,
      );
    codes.push(`${name}: ${code}`);
  }
  const isSame = JSON.stringify((await session.data) ?? null) === before;
  return (
    <ul>
      {[...codes, `same: ${isSame}`].map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
