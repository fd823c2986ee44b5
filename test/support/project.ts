// Where the project is, from a test's source and from what it was compiled into.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder with package.json, a slash at its end. */
export const projectFolder = fileURLToPath(find(new URL("./", import.meta.url)));

function find(folder: URL): URL {
  return existsSync(new URL("package.json", folder)) ? folder : find(new URL("../", folder));
}
