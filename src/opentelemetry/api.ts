// What we use of @opentelemetry/api, by structure: whoever does not have it compiles as well. No
// behaviour lives here.

/** What is said of a measurement or a span. All our values are of a small, fixed set. */
export type AttributesLike = Record<string, string | number>;

/** How an instrument is made. */
export interface InstrumentSettings {
  description?: string;
  unit?: string;
  advice?: { explicitBucketBoundaries?: number[] };
}

/** A sum that only grows. */
export interface CounterLike {
  add(value: number, attributes?: AttributesLike): void;
}

/** A distribution. */
export interface HistogramLike {
  record(value: number, attributes?: AttributesLike): void;
}

/** A value that is asked for at each collection. */
export interface GaugeLike {
  addCallback(
    callback: (result: {
      observe(value: number, attributes?: AttributesLike): void;
    }) => void | Promise<void>,
  ): void;
  removeCallback(
    callback: (result: {
      observe(value: number, attributes?: AttributesLike): void;
    }) => void | Promise<void>,
  ): void;
}

/** Makes the instruments. */
export interface MeterLike {
  createCounter(name: string, options?: InstrumentSettings): CounterLike;
  createHistogram(name: string, options?: InstrumentSettings): HistogramLike;
  createObservableGauge(name: string, options?: InstrumentSettings): GaugeLike;
}

/** A `MeterProvider`, such as `metrics.getMeterProvider()` of `@opentelemetry/api`. */
export interface MeterProviderLike {
  getMeter(name: string): MeterLike;
}

/** One operation in a trace. */
export interface SpanLike {
  setAttribute(key: string, value: string): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** Begins spans, each within the one that is active. */
export interface TracerLike {
  startSpan(name: string, options?: { kind?: number; attributes?: AttributesLike }): SpanLike;
}

/** A `TracerProvider`, such as `trace.getTracerProvider()` of `@opentelemetry/api`. */
export interface TracerProviderLike {
  getTracer(name: string): TracerLike;
}
