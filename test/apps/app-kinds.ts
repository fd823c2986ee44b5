// The applications of examples/apps that have a framework's build: what is special about each, and
// nothing that they share.
import { join } from "node:path";

export interface AppKind {
  /** Its folder in examples/apps. */
  name: string;
  /**
   * What of test/apps/pages/<name> takes the place of a file of the example, and the name that the
   * example's file gets.
   */
  moved: Record<string, string>;
  /** Where pages/conformance.ts goes. */
  conformanceFile: string;
  /** Where pages/streamed.ts goes, if its pages can stream what comes later. */
  streamedFile?: string;
  /** The arguments of node that start it, and its surroundings. */
  start(port: number): { args: string[]; env: Record<string, string> };
  /** What a reverse proxy in front would add. */
  headers: Record<string, string>;
  /** How its pages are kept out of shared caches. */
  pages: "vary" | "no-store";
  /** The oldest node that it runs on. */
  node: readonly [major: number, minor: number];
}

const HOST = "127.0.0.1";

export const APP_KINDS: readonly AppKind[] = [
  {
    name: "next",
    moved: {},
    conformanceFile: "lib/conformance.ts",
    start: (port) => ({
      args: ["node_modules/next/dist/bin/next", "start", "-H", HOST, "-p", String(port)],
      env: {},
    }),
    headers: {},
    pages: "no-store",
    node: [20, 9],
  },
  {
    name: "sveltekit",
    moved: { "src/hooks.server.ts": "src/hooks.example.ts" },
    conformanceFile: "src/conformance.ts",
    streamedFile: "src/streamed.ts",
    // Behind no https, SvelteKit has to be told: it compares the Origin of forms with its own.
    start: (port) => ({
      args: ["build"],
      env: { HOST, PORT: String(port), PROTOCOL_HEADER: "x-forwarded-proto" },
    }),
    headers: { "x-forwarded-proto": "http" },
    pages: "vary",
    node: [22, 17],
  },
  {
    name: "react-router",
    moved: { "app/routes.ts": "app/routes.example.ts" },
    conformanceFile: "app/conformance.ts",
    streamedFile: "app/streamed.ts",
    start: (port) => ({
      args: [join("node_modules", "@react-router", "serve", "bin.cjs"), "build/server/index.js"],
      env: { HOST, PORT: String(port) },
    }),
    headers: {},
    pages: "vary",
    node: [22, 22],
  },
  {
    name: "astro",
    moved: { "src/middleware.ts": "src/middleware.example.ts" },
    conformanceFile: "src/conformance.ts",
    start: (port) => ({ args: ["dist/server/entry.mjs"], env: { HOST, PORT: String(port) } }),
    headers: {},
    pages: "vary",
    node: [22, 12],
  },
];
