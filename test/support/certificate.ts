// A certificate for this machine alone, of an authority that nobody knows: made by openssl for one
// test.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { skipWithout } from "./redis-server.ts";

export interface Certificate {
  /** Files in PEM. */
  certificate: string;
  key: string;
  authority: string;
}

const run = promisify(execFile);

/** For `describe(name, { skip: … }, …)`. @throws when CI=true. */
export const skipWithoutOpenssl = (): string | false =>
  skipWithout("openssl", "apt-get install openssl, brew install openssl");

/** @param names what the certificate is for, such as `IP:127.0.0.1`. */
export async function makeCertificate(
  folder: string,
  names: readonly string[],
): Promise<Certificate> {
  const file = (name: string): string => join(folder, name);
  const made = {
    certificate: file("server.crt"),
    key: file("server.key"),
    authority: file("authority.crt"),
  };
  const newKey = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    ...newKey,
    "-x509",
    "-days",
    "2",
    "-subj",
    "/CN=harpiats test authority",
    "-keyout",
    file("authority.key"),
    "-out",
    made.authority,
  ]);
  await run("openssl", [
    ...newKey,
    "-subj",
    "/CN=harpiats test server",
    "-keyout",
    made.key,
    "-out",
    file("server.csr"),
  ]);
  await writeFile(file("names.txt"), `subjectAltName=${names.join(",")}\n`);
  const signing = ["x509", "-req", "-days", "2", "-CAcreateserial", "-extfile", file("names.txt")];
  await run("openssl", [
    ...signing,
    "-in",
    file("server.csr"),
    "-CA",
    made.authority,
    "-CAkey",
    file("authority.key"),
    "-out",
    made.certificate,
  ]);
  return made;
}
