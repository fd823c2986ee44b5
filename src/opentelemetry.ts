// harpiats/opentelemetry: metrics and spans of sessions and their stores, by OpenTelemetry's
// semantic conventions.
export { instrument, type InstrumentOptions } from "./opentelemetry/instrument.ts";
export type { CountedSession } from "./opentelemetry/live-sessions.ts";
export type {
  AttributesLike,
  CounterLike,
  GaugeLike,
  HistogramLike,
  InstrumentSettings,
  MeterLike,
  MeterProviderLike,
  SpanLike,
  TracerLike,
  TracerProviderLike,
} from "./opentelemetry/api.ts";
