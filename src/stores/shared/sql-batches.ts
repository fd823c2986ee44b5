// Makes one statement of many changes where it can, and halves of it where one of the changes
// spoils it for the others.

export interface BatchOptions<Item, Answer> {
  /** Does one, by the statement for one. */
  one(item: Item): Promise<Answer>;
  /** Does several in one statement, which changes nothing where it fails. */
  all(items: readonly Item[]): Promise<Answer[]>;
  /** About how many characters an item takes. */
  sizeOf(item: Item): number;
  /**
   * Whether an error tells of what was to be written, and not of the server: then nothing of its
   * statement was done.
   */
  isOfData(error: unknown): boolean;
  /**
   * What takes more in all goes in parts: a statement's text is in memory several times over, here
   * and there. Default four million.
   */
  mostCharacters?: number;
}

const MOST_CHARACTERS = 4_000_000;

/**
 * Answers in the order of the items. An `Error` in the place of one: it alone failed.
 *
 * @throws what tells of the server.
 */
export async function inBatches<Item, Answer>(
  items: readonly Item[],
  options: BatchOptions<Item, Answer>,
): Promise<(Answer | Error)[]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    if (items.length === 1) return [await options.one(first)];
    if (
      items.reduce((sum, item) => sum + options.sizeOf(item), 0) <=
      (options.mostCharacters ?? MOST_CHARACTERS)
    )
      return await options.all(items);
  } catch (error) {
    if (!options.isOfData(error)) throw error;
    if (items.length === 1)
      return [
        error instanceof Error ? error : new Error("Cannot write a session", { cause: error }),
      ];
  }
  const half = items.length >> 1;
  return [
    ...(await inBatches(items.slice(0, half), options)),
    ...(await inBatches(items.slice(half), options)),
  ];
}
