// Why tests are left out. Where they must not be, that is an error.

/** For `describe(name, { skip: … }, …)`. @throws when CI=true. */
export function skipReason(reason: string): string {
  if (process.env["CI"] === "true") throw new Error(`Cannot skip with CI=true: ${reason}`);
  return reason;
}
