// A store's operations as a histogram of their duration and as spans, by the semantic conventions
// for database clients. What is said of an operation is its name, its database and its error's
// code: no key, no statement, no data.
import { StoreError } from "../core/errors.ts";
import type { StoreOperation } from "../core/store/store-trace.ts";
import type { AttributesLike, MeterLike, SpanLike, TracerLike } from "./api.ts";

/**
 * A message of the channels `tracing:harpiats:store:*`: one object from the start of an operation
 * to its end.
 */
export type OperationMessage = StoreOperation & { error?: unknown; result?: unknown };

interface Running {
  readonly startedAt: number;
  readonly attributes: AttributesLike;
  readonly span: SpanLike | undefined;
}

// The names of OpenTelemetry where it knows the database; any other store goes by its own.
const SYSTEMS: Record<string, string> = {
  RedisStore: "redis",
  PostgresStore: "postgresql",
  MysqlStore: "mysql",
  SqliteStore: "sqlite",
};
// Seconds, as the conventions advise.
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
// SpanKind and SpanStatusCode of @opentelemetry/api.
const [INTERNAL, CLIENT, ERROR] = [0, 2, 2];

/** Measures the operations of every store. */
export class StoreOperations {
  readonly #running = new WeakMap<OperationMessage, Running>();
  readonly #duration;
  readonly #tracer: TracerLike | undefined;

  constructor(parts: { meter: MeterLike | undefined; tracer: TracerLike | undefined }) {
    this.#duration = parts.meter?.createHistogram("db.client.operation.duration", {
      description: "Duration of database client operations.",
      unit: "s",
      advice: { explicitBucketBoundaries: BOUNDARIES },
    });
    this.#tracer = parts.tracer;
  }

  start(message: OperationMessage): void {
    const { operation, store, keys } = message;
    const attributes = { "db.system.name": systemOf(store), "db.operation.name": operation };
    const summary = `${operation} sessions`;
    const span = this.#tracer?.startSpan(summary, {
      kind: store === "MemoryStore" ? INTERNAL : CLIENT,
      attributes: {
        ...attributes,
        "db.query.summary": summary,
        ...(keys > 1 && { "db.operation.batch.size": keys }),
      },
    });
    this.#running.set(message, { startedAt: performance.now(), attributes, span });
  }

  /** The call has returned: an answer if it came at once, else a promise of one. */
  end(message: OperationMessage): void {
    if ("result" in message || "error" in message) this.finish(message);
  }

  finish(message: OperationMessage): void {
    const running = this.#running.get(message);
    if (!running) return;
    this.#running.delete(message);
    const { startedAt, attributes, span } = running;
    const failure = "error" in message ? { "error.type": codeOf(message.error) } : undefined;
    this.#duration?.record((performance.now() - startedAt) / 1000, { ...attributes, ...failure });
    if (failure) {
      span?.setAttribute("error.type", failure["error.type"]);
      // Its message has no id, no key and no data; the cause, which is the driver's, may have.
      span?.setStatus({
        code: ERROR,
        ...(message.error instanceof StoreError && { message: message.error.message }),
      });
    }
    span?.end();
  }
}

function systemOf(store: string): string {
  return SYSTEMS[store] ?? (store.replace(/Store$/, "").toLowerCase() || "other");
}

function codeOf(error: unknown): string {
  return error instanceof StoreError ? error.code : "_OTHER";
}
