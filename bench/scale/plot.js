// The curves, as SVG files for docs/scaling.md, drawn by Apache ECharts on the server. Each for a
// light and for a dark page.
import { mkdirSync, writeFileSync } from "node:fs";
import * as core from "echarts/core";
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

core.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const FOLDER = new URL("../../docs/measured/", import.meta.url);
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
// Told apart by lightness and by mark as well as by colour, each at least 3:1 against its ground.
const LOOKS = {
  light: {
    ground: "#ffffff",
    text: "#3d4a46",
    line: "#d5dcd9",
    colors: ["#0b6b57", "#c2410c", "#1d4ed8", "#7e22ce", "#8a6100"],
  },
  dark: {
    ground: "#0d1117",
    text: "#b6c4bf",
    line: "#2d3935",
    colors: ["#5fd3b5", "#fb923c", "#93c5fd", "#d8b4fe", "#facc15"],
  },
};
const MARKS = ["circle", "rect", "triangle", "diamond", "roundRect"];

/** Draws what a full run has measured. */
export function finish({ runs: [run] }) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, chart] of Object.entries(chartsOf(run))) {
    for (const [look, colors] of Object.entries(LOOKS))
      writeFileSync(new URL(`scale-${name}-${look}.svg`, FOLDER), `${draw(chart, colors)}\n`);
  }
}

function chartsOf({ results }) {
  const bySize = (valueOf, style) =>
    results.flatMap(({ name, sizes }, at) => ({
      name,
      at,
      style,
      points: sizes.map((one) => [one.size, valueOf(one)]),
    }));
  const byProcesses = (valueOf, style) =>
    results.flatMap(({ name, processes }, at) =>
      processes.length > 0
        ? { name, at, style, points: processes.map((one) => [one.processes, valueOf(one)]) }
        : [],
    );
  const microseconds = (value) => round(value * 1000);
  return {
    read: {
      title: "Reading a session, µs (dashed: 99th percentile)",
      x: "sessions",
      isLogarithmic: true,
      series: [
        ...bySize(({ read }) => microseconds(read.median.median), "solid"),
        ...bySize(({ read }) => microseconds(read.p99.median), "dashed"),
      ],
    },
    write: {
      title: "Changing a session, µs (dashed: 99th percentile)",
      x: "sessions",
      isLogarithmic: true,
      series: [
        ...bySize(({ write }) => microseconds(write.median.median), "solid"),
        ...bySize(({ write }) => microseconds(write.p99.median), "dashed"),
      ],
    },
    bytes: {
      title: "Bytes that a session takes",
      x: "sessions",
      series: bySize(({ bytesEach }) => Math.round(bytesEach), "solid"),
    },
    create: {
      title: "Sessions created in a second, 64 at a time",
      x: "sessions",
      isLogarithmic: true,
      series: bySize(({ created }) => Math.round(created.median), "solid"),
    },
    processes: {
      title: "Reads in a second, all clients together",
      x: "processes",
      series: byProcesses(({ perSecond }) => Math.round(perSecond.median), "solid"),
    },
  };
}

function draw({ title, x, isLogarithmic = false, series }, { ground, text, line, colors }) {
  const chart = core.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 360 });
  try {
    const label = { color: text, fontFamily: FONT, fontSize: 13 };
    const axis = {
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: line } },
    };
    chart.setOption({
      animation: false,
      backgroundColor: ground,
      textStyle: { fontFamily: FONT },
      title: {
        text: title,
        left: 12,
        top: 10,
        textStyle: { ...label, fontSize: 15, fontWeight: 600 },
      },
      legend: {
        left: 12,
        top: 36,
        itemGap: 18,
        itemWidth: 18,
        textStyle: label,
        data: [...new Set(series.map(({ name }) => name))],
      },
      grid: { left: 16, right: 24, top: 72, bottom: 34, outerBoundsMode: "same" },
      xAxis: {
        ...axis,
        type: "log",
        min: "dataMin",
        max: "dataMax",
        logBase: x === "processes" ? 4 : 10,
        name: x,
        nameLocation: "middle",
        nameGap: 26,
        nameTextStyle: label,
        axisLabel: { ...label, formatter: toCount },
      },
      yAxis: {
        ...axis,
        type: isLogarithmic ? "log" : "value",
        axisLabel: { ...label, formatter: (value) => value.toLocaleString("en") },
      },
      series: series.map(({ name, at, style, points }) => ({
        name,
        type: "line",
        data: points,
        symbol: MARKS[at],
        symbolSize: style === "solid" ? 8 : 5,
        color: colors[at],
        lineStyle: { width: 2, type: style, color: colors[at] },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function toCount(value) {
  return value >= 1e6 ? `${value / 1e6} million` : value.toLocaleString("en");
}

function round(value) {
  return Number(value.toPrecision(3));
}
