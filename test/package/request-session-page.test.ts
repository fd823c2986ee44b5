// docs/frameworks.md lists everything that a request's session has.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Session } from "../../src/session.ts";
import { projectFolder } from "../support/project.ts";

/** What adapters and our own parts call. */
const OWN = ["hasChanges", "discard", "writeTo", "getHidden", "setHidden", "offerHidden"];
const INNER = ["face", "isUsed", "failure", "seal", "unseal", "owesId"];
/** Names of another library: each is refused, and docs/frameworks/express.md says what to call. */
const REFUSED = ["regenerate", "save", "touch", "resetMaxAge", "cookie"];
const ELSEWHERE = new Set([...OWN, ...INNER, ...REFUSED]);

describe("docs/frameworks.md", () => {
  it("lists every member of a request's session", () => {
    const page = readFileSync(join(projectFolder, "docs/frameworks.md"), "utf8");
    const own = new Session().open({ headers: {} });
    const members = new Set<string>();
    for (let proto: unknown = Object.getPrototypeOf(own); typeof proto === "object" && proto;) {
      const names = Object.getOwnPropertyNames(proto);
      if (names.includes("toString") && names.includes("hasOwnProperty")) break;
      for (const name of names) members.add(name);
      proto = Object.getPrototypeOf(proto);
    }
    const missing = [...members].filter(
      (name) =>
        /^[a-z]\w*$/.test(name) &&
        name !== "constructor" &&
        !ELSEWHERE.has(name) &&
        !new RegExp("^\\| .*`[^`]*\\b" + name + "\\b[^`]*`.*\\|", "m").test(page),
    );
    assert.ok(members.size > 20, `${members.size} members`);
    assert.deepEqual(missing, []);
  });
});
