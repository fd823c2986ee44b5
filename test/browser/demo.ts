// The login demo as a process of its own, for the browser to visit.
import assert from "node:assert/strict";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { end, firstLine } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const program = fileURLToPath(
  new URL(`../../examples/apps/login/server${extname(import.meta.url)}`, import.meta.url),
);

export interface Demo {
  url: string;
  /** Signs somebody in from a browser that is none. */
  signIn(name: string, userAgent: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the demo on a free port, with its sessions in memory. */
export async function startDemo(): Promise<Demo> {
  const demo = spawn(process.execPath, [program], {
    env: { PATH: process.env["PATH"], PORT: "0", HARPIATS_STORE: "memory:" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await firstLine(demo);
  const [url] = /http:\/\/\S+$/.exec(line) ?? [];
  assert.ok(url, line);
  return {
    url,
    async signIn(name, userAgent) {
      const response = await fetch(`${url}/sign-in`, {
        method: "POST",
        body: new URLSearchParams({ name }),
        headers: { "user-agent": userAgent },
        redirect: "manual",
      });
      assert.equal(response.status, 303);
    },
    stop: () => end(demo),
  };
}
