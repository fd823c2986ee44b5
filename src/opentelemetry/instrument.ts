// From the diagnostics channels to OpenTelemetry. It listens and changes nothing; what a provider
// throws goes nowhere.
import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import { assertOptions, callback, having, type Shape } from "../core/checks.ts";
import type { MeterProviderLike, TracerProviderLike } from "./api.ts";
import { type CountedSession, observeLive } from "./live-sessions.ts";
import { countSessions } from "./session-metrics.ts";
import { type OperationMessage, StoreOperations } from "./store-operations.ts";

/** Where metrics and spans go. What is not given is not made. */
export interface InstrumentOptions {
  /** For metrics: `metrics.getMeterProvider()` of `@opentelemetry/api`, or your own. */
  meterProvider?: MeterProviderLike | undefined;
  /** For spans of the stores' operations: `trace.getTracerProvider()`, or your own. */
  tracerProvider?: TracerProviderLike | undefined;
  /**
   * Whose live sessions are counted: asked at each collection, and only stores that can say so
   * cheaply answer. One `Session` of each store.
   */
  sessions?: (() => Iterable<CountedSession>) | undefined;
}

const SCOPE = "harpiats";
const OPTIONS = {
  meterProvider: having("a MeterProvider", "getMeter"),
  tracerProvider: having("a TracerProvider", "getTracer"),
  sessions: callback,
} satisfies Shape;

/**
 * Makes metrics and spans of all sessions and stores of this process. Call it once, before the
 * first `Session` is made: what the stores tell by themselves, such as expiry, is heard from then
 * on.
 *
 * No label and no attribute has an id, a handle or a user.
 *
 * @returns a function that ends it.
 * @throws TypeError when neither provider is given.
 */
export function instrument(options: InstrumentOptions): () => void {
  assertOptions("instrument", options, OPTIONS);
  const meter = options.meterProvider?.getMeter(SCOPE);
  const tracer = options.tracerProvider?.getTracer(SCOPE);
  if (!meter && !tracer)
    throw new TypeError(
      "Cannot instrument: there is neither a meterProvider nor a tracerProvider, at least one is wanted",
    );
  const operations = new StoreOperations({ meter, tracer });
  const store = tracingChannel("harpiats:store");
  const stops = [
    listen(store.start, (message: OperationMessage) => operations.start(message)),
    listen(store.end, (message: OperationMessage) => operations.end(message)),
    listen(store.asyncEnd, (message: OperationMessage) => operations.finish(message)),
  ];
  if (meter) {
    for (const [name, count] of Object.entries(countSessions(meter)))
      stops.push(listen(channel(`${SCOPE}:session:${name}`), count));
    if (options.sessions) stops.push(observeLive(meter, options.sessions));
  }
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

function listen(at: Channel, listener: (message: never) => void): () => void {
  const hear = (message: unknown): void => {
    try {
      // Only core publishes here.
      listener(message as never);
    } catch {
      // Or the process would end for the sake of a number.
    }
  };
  at.subscribe(hear);
  return () => {
    at.unsubscribe(hear);
  };
}
