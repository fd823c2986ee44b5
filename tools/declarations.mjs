// tsc writes `./x.js` into what it compiles and leaves `./x.ts` in the declarations beside it.
// TypeScript 5 and later read that; older ones and several bundlers of declarations do not. So the
// build names in both what is there. And tsc declares every file, but nobody can ask for those that
// no subpath's declarations lead to: they are taken out.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SPECIFIER = /((?:\bfrom|\bimport|\bimport\()\s*")(\.{1,2}\/[^"]+)\.ts"/g;

const [folder] = process.argv.slice(2);
// Written by hand, and no part of the program: what the declarations of an entry bring along.
const BESIDE = [["express-session.d.ts", "express-session/express.d.ts"]];
for (const [entry, declaration] of BESIDE) {
  copyFileSync(join("src", declaration), join(folder, declaration));
  const path = join(folder, entry);
  const specifier = `./${declaration.replace(/\.d\.ts$/, ".ts")}`;
  // What require() gives is for node alone: TypeScript before 5.6 cannot read such a name.
  const text = readFileSync(path, "utf8").replace(/,\s*session as "module\.exports"/, "");
  writeFileSync(path, `import "${specifier}";\n${text}`);
}

const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".d.ts"));
const leadsTo = new Map();
for (const name of names) {
  const path = join(folder, name);
  const text = readFileSync(path, "utf8");
  leadsTo.set(
    path,
    [...text.matchAll(SPECIFIER)].map(([, , to]) => join(dirname(path), `${to}.d.ts`)),
  );
  writeFileSync(path, text.replace(SPECIFIER, '$1$2.js"'));
}

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const wanted = new Set();
const toFollow = Object.values(exports).flatMap(({ types }) =>
  types === undefined ? [] : [join(types)],
);
for (const path of toFollow) {
  if (wanted.has(path)) continue;
  wanted.add(path);
  toFollow.push(...leadsTo.get(path));
}
for (const path of leadsTo.keys()) if (!wanted.has(path)) rmSync(path);
