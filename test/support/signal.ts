// A promise that a test keeps by hand, to wait for a moment instead of a time.

export interface Signal {
  readonly given: Promise<void>;
  give(): void;
}

/** `Promise.withResolvers` of Node 22, without a value. */
export function signal(): Signal {
  let give = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
