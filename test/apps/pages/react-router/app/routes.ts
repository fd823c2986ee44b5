import { route, type RouteConfig } from "@react-router/dev/routes";
import example from "./routes.example";

export default [
  ...example,
  route("conformance/*", "routes/conformance.ts"),
  route("streamed", "routes/streamed.tsx"),
  route("streamed/go-on", "routes/streamed-go-on.ts"),
] satisfies RouteConfig;
