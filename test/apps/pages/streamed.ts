// What a page does with its session behind its headers, in a promise that the framework streams. It waits there for another request, so that a test
// can see that the headers, and the page's beginning, have left.
import type { RequestSession } from "harpiats/session";

interface Streaming {
  name: string;
  color?: string;
}

let release = (): void => {};

/** Lets the page go on that waits. */
export const goOn = (): void => release();

/** What the rest of the page says: the name, what was changed, and what became of a change that needs a cookie. */
export function restOfPage(session: RequestSession<Streaming>): Promise<string> {
  const released = new Promise<void>((resolve) => (release = resolve));
  return released.then(async () => {
    const name = await session.get("name");
    session.set("color", "late");
    await session.commit();
    const refusal = await session.rotate().then(
      () => "rotated",
      (error: { code?: string }) => error.code,
    );
    return `${name} chose ${await session.get("color")}: ${refusal}`;
  });
}
