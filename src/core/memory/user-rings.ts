// Which records are a user's. Those of one user hang together in a ring, and the table has one of
// each ring: however many sessions somebody has, finding those of others takes no longer.
import { randomBytes } from "node:crypto";
import { sha256 } from "../ids/session-id.ts";
import { NONE, type RecordArena } from "./record-arena.ts";
import { hashOf, SlotTable } from "./slot-table.ts";

/**
 * Where in a record the hash of its user is kept, and its neighbours in the ring; none: it is in no
 * ring.
 */
export interface RingFields {
  hash: number;
  after: number;
  before: number;
}

/** Slots by users. */
export class UserRings {
  readonly #arena: RecordArena;
  readonly #fields: RingFields;
  readonly #table = new SlotTable();
  readonly #isOf: (slot: number, userId: string) => boolean;
  // Users name themselves, on some sites: nobody must be able to choose names that all fall into
  // one bucket.
  #secret: string | undefined;

  /** @param isOf whether a record is this user's. */
  constructor(
    arena: RecordArena,
    fields: RingFields,
    isOf: (slot: number, userId: string) => boolean,
  ) {
    this.#arena = arena;
    this.#fields = fields;
    this.#isOf = isOf;
  }

  /** The slots of a user's records, in the order in which they came. */
  of(userId: string): number[] {
    const first = this.#find(userId, this.#hashOf(userId));
    const slots: number[] = [];
    if (first === NONE) return slots;
    let slot = first;
    do {
      slots.push(slot);
      slot = this.#arena.integer(slot, this.#fields.after);
    } while (slot !== first);
    return slots;
  }

  add(slot: number, userId: string): void {
    const hash = this.#hashOf(userId);
    const first = this.#find(userId, hash);
    this.#arena.setInteger(slot, this.#fields.hash, hash);
    if (first === NONE) {
      this.#join(slot, slot);
      this.#table.add(slot, hash);
      return;
    }
    this.#join(this.#arena.integer(first, this.#fields.before), slot);
    this.#join(slot, first);
  }

  /** Notes that a record belongs to nobody. */
  skip(slot: number): void {
    this.#arena.setInteger(slot, this.#fields.after, NONE);
  }

  remove(slot: number): void {
    const after = this.#arena.integer(slot, this.#fields.after);
    if (after === NONE) return;
    const hash = this.#arena.integer(slot, this.#fields.hash);
    let first = this.#table.first(hash);
    while (first !== NONE && first !== slot) first = this.#table.after(first);
    if (after !== slot) this.#join(this.#arena.integer(slot, this.#fields.before), after);
    if (first !== slot) return;
    // The next one first: a table that is empty for a moment gives all its room back, and would
    // take it anew.
    if (after !== slot) this.#table.add(after, hash);
    this.#table.remove(slot);
  }

  #find(userId: string, hash: number): number {
    let slot = this.#table.first(hash);
    while (slot !== NONE && !this.#isOf(slot, userId)) slot = this.#table.after(slot);
    return slot;
  }

  #join(before: number, after: number): void {
    this.#arena.setInteger(before, this.#fields.after, after);
    this.#arena.setInteger(after, this.#fields.before, before);
  }

  #hashOf(userId: string): number {
    this.#secret ??= randomBytes(16).toString("base64url");
    return hashOf(sha256(this.#secret + userId));
  }
}
