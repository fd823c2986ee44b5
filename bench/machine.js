// What a figure is worth nothing without: the machine, the date, the commit and the versions.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

export function describeRun({ isQuick }) {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    isQuick,
    machine: {
      processor: os.cpus()[0]?.model ?? "unknown",
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      // Above the number of cores somebody else was at work as well.
      load: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    },
  };
}

/** The versions that are installed, by package. */
export function versionsOf(packages) {
  return Object.fromEntries(
    packages.map((name) => [name, JSON.parse(readFileSync(packageFile(name), "utf8")).version]),
  );
}

function packageFile(name) {
  return new URL(
    name === "harpiats" ? "../package.json" : `node_modules/${name}/package.json`,
    import.meta.url,
  );
}

function commit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: new URL(".", import.meta.url),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
