// harpiats/testing: what tests of sessions, stores and adapters need. Nothing that ships imports it.
export {
  type AdapterConformanceOptions,
  adapterConformance,
  type Answer,
  type Handle,
  type StartedApp,
} from "./testing/adapter-conformance.ts";
export { ManualClock } from "./testing/manual-clock.ts";
export { type OpenedStore, storeConformance, type StoreConformanceOptions, type TestRunner } from "./testing/store-conformance.ts";
