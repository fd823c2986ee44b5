import { getIronSession } from "iron-session";

const options = {
  cookieName: "my-app",
  password: "a long random text of 32 characters",
  cookieOptions: { secure: false },
};

const redirect = () => new Response(null, { status: 302, headers: { location: "/" } });

export default async function handler(request) {
  const { pathname } = new URL(request.url);
  // The session writes its cookie on a response that is there before.
  const response = request.method === "POST" && pathname !== "/visit" ? redirect() : undefined;
  const headers = response?.headers ?? new Headers();
  const session = await getIronSession(request, { headers }, options);

  if (pathname === "/")
    return Response.json({ userId: session.userId ?? null, visits: session.visits ?? 0 });
  if (pathname.startsWith("/login/")) {
    session.userId = pathname.slice("/login/".length);
    session.visits = 0;
    await session.save();
  }
  if (pathname === "/visit") {
    session.visits = (session.visits ?? 0) + 1;
    await session.save();
  }
  if (pathname === "/logout") session.destroy();
  return response ?? Response.json({ done: true }, { headers });
}
