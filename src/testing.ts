// harpiats/testing: what tests of sessions, stores and adapters need. Nothing that ships imports
// it.
export type {
  AdapterConformanceOptions,
  Answer,
  Handle,
  StartedApp,
} from "./testing/adapter-bench.ts";
export { adapterConformance } from "./testing/adapter-conformance.ts";
export type {
  OpenedStore,
  StoreConformanceOptions,
  TestRunner,
} from "./testing/conformance-bench.ts";
export { ManualClock } from "./testing/manual-clock.ts";
export { storeConformance } from "./testing/store-conformance.ts";
