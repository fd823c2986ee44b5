// The tables of who allocates, and their aim: no function of ours more than a twentieth of the
// bytes.
import { toTable } from "../table.js";

const MOST_SHARE = 0.05;

export function heapTable(run) {
  const tables = run.results.map(({ title, bytes, requests, sites, ourShare }) => {
    const rows = sites.map(({ name, where, isOurs, share }) => [
      isOurs ? `**${name}**` : name,
      where,
      percent(share),
    ]);
    return `#### ${title}\n\n${Math.round(bytes / requests).toLocaleString("en")} bytes a request, ours ${percent(ourShare)} of them.\n\n${toTable(["function", "where", "of the bytes"], rows)}`;
  });
  return `What each function allocated itself under ${run.connections} keep-alive connections, whoever called it and whether or not it was collected since: the ten that
allocated most, ours in bold. Without a name or a place it is the engine's own. A sample every 4 KiB.

${tables.join("\n\n")}`;
}

export function heapAims(run) {
  return run.results.map(({ title, ours: [first] }) => ({
    id: `heap/${title}`,
    aim: `${title}: no function of ours allocates more than ${percent(MOST_SHARE)} of the bytes`,
    figure: first ? `${percent(first.share)} (${first.name}, ${first.where})` : "0 %",
    isMet: !first || first.share <= MOST_SHARE,
  }));
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
