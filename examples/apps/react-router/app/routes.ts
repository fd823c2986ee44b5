import { index, route, type RouteConfig } from "@react-router/dev/routes";

export default [
  index("routes/sign-in.tsx"),
  route("profile", "routes/profile.tsx"),
  route("sign-out", "routes/sign-out.ts"),
  route("api/profile", "routes/api-profile.ts"),
  route("api/preferences", "routes/api-preferences.ts"),
  route("api/visits", "routes/api-visits.ts"),
] satisfies RouteConfig;
