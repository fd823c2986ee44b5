// Standard Schema (https://standardschema.dev), version 1: what Zod, Valibot, ArkType and others
// implement.
import { type DataIssue, HarpiaError } from "../errors.ts";

/** A schema of any library that follows Standard Schema 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** Validates data on its way in. @throws HarpiaError `ERR_DATA_INVALID` with the issues. */
export async function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  data: unknown,
): Promise<Output> {
  const result = await schema["~standard"].validate(data);
  if (result.issues === undefined) return result.value;
  throw toError(toIssues(result.issues));
}

/**
 * Validates the whole of what a change makes of data. A field that is missing and that the change
 * did not name is no fault of the change: another release may require it, or nobody has signed in
 * yet.
 *
 * @returns what the schema made of it; `undefined` where missing fields were all that it found.
 * @throws HarpiaError `ERR_DATA_INVALID` for every other issue.
 */
export async function validateChange<Output>(
  schema: StandardSchema<unknown, Output>,
  next: object,
  isNamed: (field: string) => boolean,
): Promise<Output | undefined> {
  const result = await schema["~standard"].validate(next);
  if (result.issues === undefined) return result.value;
  const issues = toIssues(result.issues);
  const isMissing = ({ path: [field] }: DataIssue): boolean =>
    typeof field === "string" && !Object.hasOwn(next, field) && !isNamed(field);
  const faults = issues.filter((issue) => !isMissing(issue));
  if (faults.length > 0) throw toError(faults);
  return undefined;
}

function toIssues(given: readonly SchemaIssue[]): DataIssue[] {
  return given.map(({ message, path = [] }) => ({
    message,
    path: path.map((part) => (typeof part === "object" ? part.key : part)),
  }));
}

function toError(issues: readonly DataIssue[]): HarpiaError {
  // The message names fields and not values: values may be secrets.
  const fields = [
    ...new Set(issues.map((issue) => issue.path.map(String).join(".") || "the whole")),
  ].join(", ");
  const message = `Cannot store session data: the schema refused ${fields}, see error.issues`;
  return new HarpiaError("ERR_DATA_INVALID", message, { issues });
}
