// What the overview shows in charts and, the same, in tables: from counted events, the store's
// times and a look at the store.
import type { CountedHour } from "../counts/hourly-events.ts";
import { GROUPS, type StoreSample } from "../counts/store-sample.ts";
import type { Durations } from "../counts/store-times.ts";
import type { Chart } from "./charts.ts";

/** One chart of the overview. */
export interface OverviewChart {
  /** Its name in addresses. */
  readonly name: ChartName;
  readonly title: string;
  /** Where the numbers come from, and for how long. */
  readonly source: string;
  /** What the chart says, for those who do not see it. */
  readonly summary: string;
  readonly chart: Chart;
  /** The table's first column. */
  readonly by: string;
}

/** The charts there are. */
export const CHARTS = ["created", "ended", "refused", "users", "calls", "latency"] as const;
export type ChartName = (typeof CHARTS)[number];

const REASONS = ["logout", "revoked", "idle", "absolute", "evicted"];
const REFUSALS = ["unknown", "malformed", "over-age", "bad-signature", "duplicate"];
const THIS_PROCESS_HOURS = "This process, the last 24 hours, UTC";
const THIS_PROCESS_MINUTES = "All stores of this process, the last hour, UTC";

/** Sessions that began, by the hour. */
export function createdChart(hours: readonly CountedHour[]): OverviewChart {
  const values = hours.map(({ counts }) => counts.get("created") ?? 0);
  return {
    name: "created",
    title: "Sessions created",
    source: THIS_PROCESS_HOURS,
    summary: summaryOf(values, hours.map(hourLabel)),
    by: "Hour",
    chart: { kind: "bars", labels: hours.map(hourLabel), series: [{ name: "Created", values }] },
  };
}

/** Sessions that ended, by hour and reason. */
export function endedChart(hours: readonly CountedHour[]): OverviewChart {
  return {
    name: "ended",
    title: "Sessions ended, by reason",
    ...byReason(hours, "ended ", REASONS),
  };
}

/** Cookies that led to no session, by hour and reason. */
export function refusedChart(hours: readonly CountedHour[]): OverviewChart {
  return {
    name: "refused",
    title: "Cookies refused, by reason",
    ...byReason(hours, "refused ", REFUSALS),
  };
}

/** How many sessions users have. */
export function usersChart({ shares, users, isAll }: StoreSample): OverviewChart {
  const values = shares.map((share) => Math.round(share * 1000) / 10);
  const most = Math.max(...values);
  return {
    name: "users",
    title: "Sessions per user",
    source: isAll ? `All ${users} users` : `Estimated from ${users} users`,
    summary:
      users === 0
        ? "No user has a session."
        : `Most users, ${most} %, have ${GROUPS[values.indexOf(most)]?.[0]}.`,
    by: "Sessions",
    chart: {
      kind: "bars",
      unit: " %",
      labels: GROUPS.map(([name]) => name),
      series: [{ name: "Users, %", values }],
    },
  };
}

interface Minute {
  readonly startsAt: number;
  readonly durations: Durations;
}

/** How often stores were asked, by the minute. */
export function callsChart(minutes: readonly Minute[]): OverviewChart {
  const values = minutes.map(({ durations }) => durations.count);
  const labels = minutes.map(minuteLabel);
  return {
    name: "calls",
    title: "Store round trips",
    source: THIS_PROCESS_MINUTES,
    summary: summaryOf(values, labels),
    by: "Minute",
    chart: { kind: "bars", labels, series: [{ name: "Round trips", values }] },
  };
}

/** How long stores took, by the minute. */
export function latencyChart(minutes: readonly Minute[]): OverviewChart {
  const [half, most] = [0.5, 0.95].map((part) =>
    minutes.map(({ durations }) => rounded(durations.quantile(part))),
  );
  const worst = Math.max(...(most ?? []).map((value) => value ?? 0));
  return {
    name: "latency",
    title: "Store latency",
    source: `${THIS_PROCESS_MINUTES}, milliseconds`,
    summary:
      worst === 0
        ? "No store was asked."
        : `In the slowest minute 95 % of the round trips took ${worst} ms at most.`,
    by: "Minute",
    chart: {
      kind: "lines",
      unit: " ms",
      isLogarithmic: true,
      labels: minutes.map(minuteLabel),
      series: [
        { name: "p50", values: half ?? [] },
        { name: "p95", values: most ?? [] },
      ],
    },
  };
}

/** Milliseconds as people read them: two digits that mean something. */
export function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Number(milliseconds.toPrecision(2));
}

function byReason(
  hours: readonly CountedHour[],
  prefix: string,
  known: readonly string[],
): Omit<OverviewChart, "name" | "title"> {
  const heard = hours
    .flatMap(({ counts }) => [...counts.keys()])
    .flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  const reasons = [...new Set([...known, ...heard])].filter(
    (reason) => heard.includes(reason) || (known.indexOf(reason) < 2 && known.includes(reason)),
  );
  const series = reasons.map((name) => ({
    name,
    values: hours.map(({ counts }) => counts.get(prefix + name) ?? 0),
  }));
  const totals = series.map(({ name, values }) => `${name} ${sum(values)}`);
  const all = sum(series.flatMap(({ values }) => values));
  return {
    source: THIS_PROCESS_HOURS,
    summary: all === 0 ? "None." : `${all} in all: ${totals.join(", ")}.`,
    by: "Hour",
    chart: { kind: "bars", labels: hours.map(hourLabel), series },
  };
}

function summaryOf(values: readonly number[], labels: readonly string[]): string {
  const most = Math.max(...values);
  return most === 0
    ? "None."
    : `${sum(values)} in all, most at ${labels[values.indexOf(most)]}: ${most}.`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function hourLabel({ startsAt }: { startsAt: number }): string {
  return new Date(startsAt).toISOString().slice(11, 16);
}

const minuteLabel = hourLabel;
