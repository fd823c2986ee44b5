// Whole numbers from 0 to 2^32 - 1 in a row that grows and shrinks by pieces. None is ever copied
// to a longer row: that would stop the process.

const CHUNK_BITS = 11;
const CHUNK = 1 << CHUNK_BITS;

/** A row of whole numbers, 0 where none was put. */
export class GrowingIntegers {
  readonly #chunks: Uint32Array[] = [];

  /** There must be room for it: see {@link GrowingIntegers.reach}. */
  get(at: number): number {
    return (this.#chunks[at >>> CHUNK_BITS] as Uint32Array)[at & (CHUNK - 1)] as number;
  }

  set(at: number, value: number): void {
    (this.#chunks[at >>> CHUNK_BITS] as Uint32Array)[at & (CHUNK - 1)] = value;
  }

  /** Makes room for so many at least. */
  reach(length: number): void {
    while (this.#chunks.length * CHUNK < length) this.#chunks.push(new Uint32Array(CHUNK));
  }

  /**
   * Gives back what is not needed for so many; but for one chunk, lest it come and go at each
   * change.
   */
  shrink(length: number): void {
    while ((this.#chunks.length - 2) * CHUNK >= length) this.#chunks.pop();
  }
}
