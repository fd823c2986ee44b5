// Standard Schema (https://standardschema.dev), version 1: what Zod, Valibot, ArkType and others implement.
import { type DataIssue, HarpiaError } from "./errors.ts";

/** A schema of any library that follows Standard Schema 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }[] };

/** Validates data on its way in. @throws HarpiaError `ERR_DATA_INVALID` with the issues. */
export async function validate<Output>(schema: StandardSchema<unknown, Output>, data: unknown): Promise<Output> {
  const result = await schema["~standard"].validate(data);
  if (result.issues === undefined) return result.value;
  const issues: DataIssue[] = result.issues.map(({ message, path = [] }) => ({
    message,
    path: path.map((part) => (typeof part === "object" ? part.key : part)),
  }));
  // The message names fields and not values: values may be secrets.
  const fields = [...new Set(issues.map((issue) => issue.path.map(String).join(".") || "the whole"))];
  throw new HarpiaError("ERR_DATA_INVALID", `Cannot store session data: the schema refused ${fields.join(", ")}, see error.issues`, { issues });
}
