// harpiats/memory-store: the store that `Session` uses by default, under the name that Harpia's
// framework gives it.
export { MemoryStore, type MemoryStoreOptions } from "./core/memory/memory-store.ts";
