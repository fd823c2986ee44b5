import { Cookies, type RequestSession } from "harpiats/session";

interface Data {
  userId: string;
  visits: number;
}

type Handler = (request: Request, own: RequestSession<Data>) => Response | Promise<Response>;

/**
 * Takes over what iron-session began:
 * `withSession(session, adoptFormer(handler, (seal) => unsealData(seal, { password })))`.
 * `unsealData` of iron-session gives an empty object for what is forged or too old.
 */
export function adoptFormer(
  handler: Handler,
  unseal: (seal: string) => Promise<Partial<Data>>,
): Handler {
  return async (request, own) => {
    const seal = new Cookies(request).get("my-app");
    if (seal === undefined) return handler(request, own);
    const { userId, visits = 0 } = await unseal(seal);
    if (userId !== undefined && (await own.user) === undefined) await own.login({ userId, visits });
    const response = await handler(request, own);
    const answer = new Response(response.body, response);
    new Cookies(request, answer).delete("my-app", { path: "/", httpOnly: true });
    return answer;
  };
}
