// The overview: how many sessions there are, what becomes of them, and how the store does. Numbers
// come from this process's own events and from one bounded look at the store.
import { html, raw } from "hono/html";
import { StoreError } from "../../core/errors.ts";
import type { HourlyEvents } from "../counts/hourly-events.ts";
import type { LiveCount, StoreLook, StoreSample } from "../counts/store-sample.ts";
import type { OperationTimes, StoreTimes } from "../counts/store-times.ts";
import { SIZES } from "./charts.ts";
import {
  callsChart,
  type ChartName,
  createdChart,
  endedChart,
  latencyChart,
  type OverviewChart,
  refusedChart,
  rounded,
  usersChart,
} from "./overview-charts.ts";
import type { Html, Page, Site } from "./page.ts";
import { timeText } from "./session-text.ts";

/** Where the numbers come from. */
export interface Numbers {
  readonly events: HourlyEvents;
  readonly times: StoreTimes;
  readonly look: StoreLook<unknown>;
}

const MOST_OPERATIONS = 20;

/** The page. A store that does not answer is said so, and hides none of the other numbers. */
export async function overviewPage(
  site: Site,
  numbers: Numbers,
  { now, canDraw }: { now: number; canDraw: boolean },
): Promise<Page> {
  const sample = await numbers.look.sample().catch((error: unknown) => {
    if (error instanceof StoreError) return error;
    throw error;
  });
  const hours = numbers.events.hours();
  const minutes = numbers.times.minutes();
  const charts = [
    createdChart(hours),
    endedChart(hours),
    ...(sample instanceof StoreError ? [] : [usersChart(sample)]),
    refusedChart(hours),
    callsChart(minutes),
    latencyChart(minutes),
  ];
  return {
    name: "Overview",
    section: "overview",
    main: html`
      <div class="head"><h1>Overview</h1></div>
      <div id="live">
        ${liveCard(site, sample)}
        ${canDraw ? "" : html`<p class="notice">Charts need the package Apache ECharts beside harpiats: <code>npm install echarts</code>. Until then there are tables.</p>`}
        <div class="charts">${charts.map((chart) => chartCard(site, chart, { canDraw, now }))}</div>
        ${operationsCard(numbers.times.operations())}
        <p class="soft small">Counts of this process began ${timeText(numbers.events.since, now)}. Other processes have their own.</p>
      </div>`,
  };
}

/** One chart by its name, where it can be drawn now. */
export async function overviewChart(numbers: Numbers, name: ChartName): Promise<OverviewChart> {
  if (name === "users") return usersChart(await numbers.look.sample());
  if (name === "calls") return callsChart(numbers.times.minutes());
  if (name === "latency") return latencyChart(numbers.times.minutes());
  return { created: createdChart, ended: endedChart, refused: refusedChart }[name](
    numbers.events.hours(),
  );
}

function liveCard(site: Site, sample: StoreSample | StoreError): Html {
  if (sample instanceof StoreError) {
    const isUnsupported = sample.code === "ERR_STORE_UNSUPPORTED";
    return html`<p class="${isUnsupported ? "notice" : "wrong"}" role="alert">${isUnsupported ? `${sample.store} has only get, set and delete: it cannot list sessions.` : `${sample.store} does not answer: how many sessions there are is not known.`}</p>`;
  }
  return html`<section class="card live" aria-labelledby="live-sessions">
    <h2 id="live-sessions">Live sessions now</h2>
    <p class="big">${liveText(sample.live)}</p>
    <p class="actions"><a class="button" href="${site.base}/sessions">See them</a>${site.canEndEverything ? html` <a class="button danger" href="${site.base}/end-everything">End everything…</a>` : ""}</p>
  </section>`;
}

/** The count in a sentence. */
export function liveWords({ kind, count }: LiveCount): string {
  return `${kind === "exactly" ? "" : `${kind} `}${count.toLocaleString("en")}`;
}

/** The count, and how sure it is. */
function liveText({ kind, count }: LiveCount): Html {
  const number = count.toLocaleString("en");
  if (kind === "exactly") return html`${number}`;
  return html`<span class="soft">${kind === "about" ? "about" : "at least"}</span> ${number}`;
}

function chartCard(
  site: Site,
  { name, title, source, summary, chart, by }: OverviewChart,
  { canDraw, now }: { canDraw: boolean; now: number },
): Html {
  // A new address each time, so that no chart is older than its page.
  const src = (look: string): string => `${site.base}/charts/${name}.svg?at=${now}&look=${look}`;
  const [width, height] = SIZES.wide;
  const [narrow] = SIZES.narrow;
  const picture = html`<picture>
    <source media="(max-width: 40rem) and (prefers-color-scheme: dark)" srcset="${src("narrow-dark")}" width="${narrow}" height="${height}">
    <source media="(max-width: 40rem)" srcset="${src("narrow-light")}" width="${narrow}" height="${height}">
    <source media="(prefers-color-scheme: dark)" srcset="${src("wide-dark")}">
    <img src="${src("wide-light")}" width="${width}" height="${height}" alt="${title}: ${summary}">
  </picture>`;
  return html`<section class="card" aria-labelledby="chart-${name}">
    <h2 id="chart-${name}">${title}</h2>
    <p class="soft small">${source}</p>
    ${isEmpty(chart.series) ? html`<p class="empty">Nothing yet.</p>` : canDraw ? picture : html`<p>${summary}</p>`}
    <details data-keep="${name}" ${canDraw ? "" : raw("open")}><summary>As a table<span class="hidden">: ${title}</span></summary>
      <div class="scroll" role="region" aria-label="${title}, as a table" tabindex="0"><table>
        <thead><tr><th scope="col">${by}</th>${chart.series.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${rowsOf(chart.labels, chart.series)}</tbody>
      </table></div>
    </details>
  </section>`;
}

function isEmpty(series: OverviewChart["chart"]["series"]): boolean {
  return series.every(({ values }) => values.every((value) => value === undefined || value === 0));
}

/** A row for each label, but for those where nothing was. */
function rowsOf(
  labels: readonly string[],
  series: OverviewChart["chart"]["series"],
): Html | Html[] {
  const rows = labels
    .map((label, at) => ({ label, values: series.map(({ values }) => values[at]) }))
    .filter(({ values }) => values.some((value) => value !== undefined && value !== 0))
    .map(
      ({ label, values }) =>
        html`<tr><th scope="row">${label}</th>${values.map((value) => html`<td>${value ?? "–"}</td>`)}</tr>`,
    );
  return rows.length > 0
    ? rows
    : html`<tr><td colspan="${series.length + 1}">Nothing yet.</td></tr>`;
}

function operationsCard(operations: readonly OperationTimes[]): Html {
  if (operations.length === 0) return html``;
  const milliseconds = (value: number | undefined): string =>
    value === undefined ? "–" : `${rounded(value)} ms`;
  return html`<section class="card" aria-labelledby="operations">
    <h2 id="operations">Store operations</h2>
    <p class="soft small">All stores of this process, without what these pages ask for</p>
    <div class="scroll" role="region" aria-label="Store operations, as a table" tabindex="0"><table>
      <thead><tr><th scope="col">Operation</th><th scope="col">Round trips</th><th scope="col">p50</th><th scope="col">p95</th><th scope="col">Failed</th></tr></thead>
      <tbody>${operations.slice(0, MOST_OPERATIONS).map(({ name, durations, errors }) => html`<tr><th scope="row"><code>${name}</code></th><td>${durations.count.toLocaleString("en")}</td><td>${milliseconds(durations.quantile(0.5))}</td><td>${milliseconds(durations.quantile(0.95))}</td><td>${raw(errors === 0 ? "0" : `<b>${Number(errors)}</b>`)}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
}
