import { withSession } from "harpiats/adapters/fetch";
import { Session } from "harpiats/session";

export interface Data {
  userId: string;
  visits: number;
}

// On plain http only here. Where it is to last: store: new RedisStore({ client }) or another.
export const session = new Session<Data>({ cookie: { secure: false } });

const redirect = () => new Response(null, { status: 302, headers: { location: "/" } });

export default withSession(session, async (request, own) => {
  const { pathname } = new URL(request.url);
  const data = await own.data;

  if (pathname === "/")
    return Response.json({ userId: data?.userId ?? null, visits: data?.visits ?? 0 });
  if (pathname.startsWith("/login/")) {
    await own.login({ userId: pathname.slice("/login/".length), visits: 0 });
    return redirect();
  }
  if (pathname === "/logout") {
    await own.destroy();
    return redirect();
  }
  await own.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  return Response.json({ done: true });
});
