import { Suspense } from "react";
import { Await } from "react-router";
import { sessionContext } from "../session.server";
import { restOfPage } from "../streamed";
import type { Route } from "./+types/streamed";

export async function loader({ context }: Route.LoaderArgs) {
  const session = context.get(sessionContext);
  return { name: await session.get("name"), rest: restOfPage(session) };
}

export default function Streamed({ loaderData: { name, rest } }: Route.ComponentProps) {
  return (
    <main>
      <h1>{`Beginning for ${name}`}</h1>
      <Suspense fallback={<p>The rest is to come.</p>}>
        <Await resolve={rest}>{(text) => <p>{text}</p>}</Await>
      </Suspense>
    </main>
  );
}
