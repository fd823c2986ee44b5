import { route, type RouteConfig } from "@react-router/dev/routes";
import example from "./routes.example";

export default [...example, route("conformance/*", "routes/conformance.ts")] satisfies RouteConfig;
