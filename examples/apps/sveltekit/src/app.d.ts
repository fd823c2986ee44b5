import type { RequestSession } from "harpiats/session";
import type { Visitor } from "./lib/server/session";

declare global {
  namespace App {
    interface Locals {
      session: RequestSession<Visitor>;
    }
  }
}
