// The licences of the packages that the build makes part of our files: the text of
// dist/THIRD-PARTY-LICENSES. A package without a licence of a kind that we know fails the build.
import { readdirSync, readFileSync } from "node:fs";

// For a package that names its licence in package.json and carries no text of it.
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN
NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/**
 * @param modules the files that a bundle is made of.
 * @param expected the packages that are meant to be among them.
 * @returns for each package `name@version (licence)`, a line of dashes, and its licence.
 * @throws Error if other packages are in it, or one is missing.
 */
export function licencesOf(modules, expected) {
  const homes = new Map();
  for (const id of modules) {
    const [home, name] = /^.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id) ?? [];
    if (home !== undefined) homes.set(name, home);
  }
  const names = [...homes.keys()].sort();
  if (names.join() !== [...expected].sort().join())
    throw new Error(`Invalid bundle: got ${names.join(", ")}, expected ${expected.join(", ")}`);
  return names.map((name) => licence(name, homes.get(name))).join("\n\n");
}

function licence(name, home) {
  const { version, license, author } = JSON.parse(readFileSync(`${home}/package.json`, "utf8"));
  const heading = `${name}@${version} (${license})`;
  const file = readdirSync(home).find((one) => /^licen[cs]e(\.|$)/i.test(one));
  if (file !== undefined)
    return `${heading}\n${"-".repeat(heading.length)}\n${readFileSync(`${home}/${file}`, "utf8").trim()}\n`;
  const holder = typeof author === "string" ? author : author?.name;
  if (license !== "MIT" || holder === undefined)
    throw new Error(`Cannot bundle ${name}: it carries no licence, expected a file or MIT`);
  return `${heading}\n${"-".repeat(heading.length)}\nCopyright (c) ${holder}\n\n${MIT}\n`;
}
