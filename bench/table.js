// How tables and figures are written.

/** A table in Markdown. */
export function toTable(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map((_, at) => (at === 0 ? "---" : "---:"))),
    ...rows.map(line),
  ].join("\n");
}

/** A median with its quartiles: `0.93 (0.91–0.97)`. */
export function withSpread({ median, low, high }, digits) {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
