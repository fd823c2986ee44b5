// harpiats/testing: what tests of sessions and of stores need. Nothing that ships imports it.
export { ManualClock } from "./testing/manual-clock.ts";
export { type OpenedStore, storeConformance, type StoreConformanceOptions, type TestRunner } from "./testing/store-conformance.ts";
