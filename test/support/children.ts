// Processes that a test starts. They, and the folders that were made for them, go when the test's
// process goes, by whatever signal: a shell waits at the end of a pipe for that and cleans up.
import {
  type ChildProcess,
  type ForkOptions,
  fork as forkProcess,
  spawn as spawnProcess,
} from "node:child_process";
import { Writable } from "node:stream";

// Reads "add pid:1", "add folder:/tmp/x" and "remove …". At the end of the pipe it kills what is
// left, with what that has started. PostgreSQL's processes see by themselves that the first is gone.
const CLEANER = `
trap '' INT TERM HUP
set --
while read -r what item; do
  case $what in
    add) set -- "$@" "$item" ;;
    remove)
      count=$#
      while [ "$count" -gt 0 ]; do
        one=$1; shift
        [ "$one" = "$item" ] || set -- "$@" "$one"
        count=$((count - 1))
      done ;;
  esac
done
tree() {
  for child in $(ps -A -o pid=,ppid= | awk -v of="$1" '$2 == of { print $1 }'); do tree "$child"; done
  kill -KILL "$1" 2>/dev/null
}
for one in "$@"; do case $one in pid:*) tree "\${one#pid:}" ;; esac; done
for one in "$@"; do case $one in folder:*) sleep 1; rm -rf "\${one#folder:}" ;; esac; done
`;
// Milliseconds between two looks whether this process still has the parent that it began with.
const LOOK = 500;

let pipe: Writable | undefined;

function cleaner(): Writable {
  if (pipe) return pipe;
  // There a pipe to a child keeps the process alive, and the test would not end.
  if (process.versions["bun"] !== undefined)
    return (pipe = new Writable({ write: (_chunk, _encoding, done) => done() }));
  // A group of its own: a signal to the group of the tests must not end it first.
  const child = spawnProcess("/bin/sh", ["-c", CLEANER], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.unref();
  // A pipe to a process is a socket.
  (child.stdin as Writable & { unref(): void }).unref();
  // Without a shell nobody cleans up, which fails no test.
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  pipe = child.stdin;
  // Whoever runs this file may be killed without a word: then nobody waits for its outcome.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.exit(1), LOOK).unref();
  return pipe;
}

/** Ends a process, and what it has started, when this process ends. */
export function dieWithUs<Child extends ChildProcess>(child: Child): Child {
  if (child.pid === undefined) return child;
  const item = `pid:${child.pid}`;
  cleaner().write(`add ${item}\n`);
  child.once("exit", () => pipe?.write(`remove ${item}\n`));
  return child;
}

/** `spawn` of node, of a process that does not outlive this one. */
export const spawn: typeof spawnProcess = ((...args: Parameters<typeof spawnProcess>) =>
  dieWithUs(spawnProcess(...args))) as typeof spawnProcess;

/** `fork` of node, of a process that does not outlive this one. */
export function fork(module: URL | string, options: ForkOptions = {}): ChildProcess {
  return dieWithUs(forkProcess(module, options));
}

/** Removes a folder when this process ends, unless {@link forgetFolder} was called. */
export function removeWithUs(folder: string): void {
  cleaner().write(`add folder:${folder}\n`);
}

/** For a folder that has been removed. */
export function forgetFolder(folder: string): void {
  pipe?.write(`remove folder:${folder}\n`);
}
