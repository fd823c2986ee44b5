// A fresh password before a dangerous step: a visit does not count as one, signing in again does,
// and the session stays the same one. Runs to its end by itself; the clock is moved by hand here,
// which an application leaves out.
import { HarpiaError, Session } from "harpiats/session";
import { ManualClock } from "harpiats/testing";

const clock = new ManualClock();
const session = new Session<{ userId: string; cart: string[] }>({ clock });
const FRESH = 300;

async function changeEmail(id: string | undefined): Promise<string> {
  try {
    await session.requireFresh(id, FRESH);
    return "changed";
  } catch (error) {
    if (!(error instanceof HarpiaError && error.code === "ERR_NOT_FRESH")) throw error;
    return "the password first, please";
  }
}

const id = await session.create({ userId: "ada", cart: ["tea"] });
console.log(`at once: ${await changeEmail(id)}`);

clock.advance(600_000);
await session.fromRequest({ headers: { cookie: `session_id=${id}` } });
console.log(`ten minutes and a visit later: ${await changeEmail(id)}`);

// Here the password was checked.
const next = await session.reauthenticate(id);
console.log(`after the password: ${await changeEmail(next)}`);
console.log(
  `the cart is still there: ${(await session.get(next))?.cart.join()}; the former id is ${(await session.get(id)) ? "alive" : "dead"}`,
);
