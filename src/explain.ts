// harpiats/explain: why a request has no session, in words. For development; it lets nobody in and
// keeps nobody out.
export type { CookieRefusal } from "./explain/cookie-line.ts";
export type { SessionEnd } from "./explain/ended-sessions.ts";
export {
  type Cause,
  createExplainer,
  type ExplainedSession,
  type Explainer,
  type ExplainerOptions,
  type Explanation,
  type ResponseCause,
  type ResponseExplanation,
} from "./explain/explainer.ts";
export {
  type ExplainedFastify,
  type ExplainOptions,
  expressExplain,
  fastifyExplain,
  type FinishingResponse,
  harpiaExplain,
  honoExplain,
  koaExplain,
  nodeExplain,
  withExplain,
} from "./explain/middleware.ts";
