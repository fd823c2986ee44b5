// tsc writes `./x.js` into what it compiles and leaves `./x.ts` in the declarations beside it. TypeScript 5 and later read
// that; older ones and several bundlers of declarations do not. So the build names in both what is there.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SPECIFIER = /((?:\bfrom|\bimport|\bimport\()\s*")(\.{1,2}\/[^"]+)\.ts"/g;

const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder, { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  const path = join(folder, name);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(SPECIFIER, '$1$2.js"'));
}
