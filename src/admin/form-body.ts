// The fields of a small form that a page of ours has sent. What is larger or something else is
// refused, whoever sends it.

const LARGEST = 16_384;

/** A form that cannot be taken, with the status that says why. */
export class FormError extends Error {
  override name = "FormError";
  readonly status: 413 | 415;

  constructor(status: 413 | 415, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads a form. @throws FormError for what is none, or larger than 16 KiB. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new FormError(415, "The form is of another kind than the page sends.");
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body) {
    for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > LARGEST)
        throw new FormError(413, "The form is larger than any of these pages sends.");
      chunks.push(chunk);
    }
  }
  return new URLSearchParams(new TextDecoder().decode(Buffer.concat(chunks)));
}
