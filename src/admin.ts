// harpiats/admin: pages on which operators see sessions and end them.
export type { AdminAction, AdminOptions, AdminSession } from "./admin/admin-options.ts";
export { type Admin, createAdmin } from "./admin/admin.ts";
export type { HarpiaHandler, HarpiaRequest, HarpiaResponse } from "./admin/harpia-handler.ts";
export type { NodeHandler } from "./admin/node-handler.ts";
