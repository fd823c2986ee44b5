// Charts as SVG, drawn on the server by Apache ECharts where that is installed. Knows no sessions:
// it gets numbers. An SVG of its own, not a part of the page, so that the page's
// Content-Security-Policy needs no inline styles.

/** What ECharts is asked for here. */
interface Drawing {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** Draws a chart. */
export type Draw = (chart: Chart, look: Look) => string;

/** How a chart is to look. */
export interface Look {
  readonly isDark: boolean;
  /** Whether to draw for a phone: narrow, with relatively larger letters. */
  readonly isNarrow: boolean;
}

/** One line or one colour of bars. A gap is `undefined`. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

/** What a chart shows. The page shows the same as a table. */
export interface Chart {
  readonly kind: "bars" | "lines";
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  readonly unit?: string | undefined;
  /** Whether the values span so much that each step is ten times the last. */
  readonly isLogarithmic?: boolean | undefined;
}

/** Where a chart is shown, in pixels: what it is drawn for. */
export const SIZES = { wide: [560, 240], narrow: [330, 240] } as const;

// Told apart by lightness as well as by colour, each at least 3:1 against its ground.
const LIGHT = {
  text: "#52605c",
  line: "#d5dcd9",
  colors: ["#0b6b57", "#c2410c", "#1d4ed8", "#7e22ce", "#5b6b66", "#a16207"],
};
const DARK = {
  text: "#a3b2ad",
  line: "#2d3935",
  colors: ["#5fd3b5", "#fb923c", "#93c5fd", "#d8b4fe", "#a8b8b2", "#facc15"],
};
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Loads the library, which takes a moment. `undefined` where it is not installed. */
export async function loadCharts(): Promise<Draw | undefined> {
  try {
    const [core, charts, components, renderers] = await Promise.all([
      import("echarts/core"),
      import("echarts/charts"),
      import("echarts/components"),
      import("echarts/renderers"),
    ]);
    core.use([
      charts.BarChart,
      charts.LineChart,
      components.GridComponent,
      components.LegendComponent,
      renderers.SVGRenderer,
    ]);
    return (chart, look) => {
      const [width, height] = SIZES[look.isNarrow ? "narrow" : "wide"];
      const drawing: Drawing = core.init(null, null, { renderer: "svg", ssr: true, width, height });
      try {
        drawing.setOption(optionOf(chart, look));
        return drawing.renderToSVGString();
      } finally {
        drawing.dispose();
      }
    };
  } catch {
    return undefined;
  }
}

function optionOf(
  { kind, labels, series, unit = "", isLogarithmic = false }: Chart,
  { isDark, isNarrow }: Look,
): object {
  const { text, line, colors } = isDark ? DARK : LIGHT;
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    axisLabel: { color: text, fontFamily: FONT, fontSize: 12 },
  };
  return {
    animation: false,
    color: colors,
    textStyle: { fontFamily: FONT },
    grid: {
      left: 8,
      right: 12,
      top: series.length > 1 ? 44 : 16,
      bottom: 8,
      outerBoundsMode: "same",
    },
    legend: {
      show: series.length > 1,
      left: 0,
      top: 0,
      itemWidth: 14,
      itemHeight: 10,
      itemGap: 20,
      textStyle: { color: text, fontFamily: FONT, fontSize: 12 },
    },
    xAxis: {
      ...axis,
      type: "category",
      data: labels,
      axisLabel: {
        ...axis.axisLabel,
        hideOverlap: true,
        ...(labels.length > 12 && { interval: Math.ceil(labels.length / (isNarrow ? 4 : 8)) - 1 }),
      },
    },
    yAxis: {
      ...axis,
      type: isLogarithmic ? "log" : "value",
      splitNumber: 4,
      ...(kind === "bars" && { minInterval: 1 }),
      ...(unit === " %" && { max: 100, interval: 25 }),
      splitLine: { lineStyle: { color: line } },
      axisLine: { show: false },
      axisLabel: {
        ...axis.axisLabel,
        formatter: (value: number) => `${Number(value.toPrecision(6))}${unit}`,
      },
    },
    series: series.map(({ name, values }, at) => ({
      name,
      data: values.map((value) => value ?? null),
      ...(kind === "bars"
        ? { type: "bar", stack: "all", barCategoryGap: "25%" }
        : {
            type: "line",
            symbol: "circle",
            symbolSize: 5,
            showSymbol: true,
            lineStyle: { width: 2, type: at === 0 ? "solid" : "dashed" },
          }),
    })),
  };
}
