// Data links of a panel, which are written for Grafana: where they lead on this page.

import { moment } from "./time.js";
import { queryParameters } from "./variables.js";

/** How far back the page of traces can look: [name, milliseconds]. */
export const LOOKBACKS = [["15m", 9e5], ["1h", 36e5], ["6h", 216e5], ["24h", 864e5], ["7d", 6048e5]];

const DASHBOARD = /^\/d\/[\w-]+\?/;
const FIELD = /\$\{__data\.fields\.([^:}]+)(?::percentencode)?\}/g;

/**
 * Address of a link, or null for one that leads to something this page has not. `row` is the table row by column title;
 * `range` the dashboard's {from, to} as it stands in the address.
 */
export function address(url, dashboard, values, range, row = {}) {
  if (DASHBOARD.test(url)) {
    const [path, query] = url.split("?");
    const parts = query.split("&").map((part) => {
      if (part === "${__url_time_range}") return new URLSearchParams({ from: range.from, to: range.to }).toString();
      const name = /^\$\{(\w+):queryparam\}$/.exec(part)?.[1];
      if (!name) return part.replace(FIELD, (_, column) => encodeURIComponent(String(row[column] ?? "")));
      return queryParameters(dashboard.templating.list.filter((variable) => variable.name === name), values);
    });
    return `${path}?${parts.filter(Boolean).join("&")}`;
  }
  return traces(url, range, row);
}

/** Explore with a search in Jaeger is the page of traces here. */
function traces(url, range, row) {
  const panes = url.startsWith("/explore?") && new URLSearchParams(url.slice(url.indexOf("?"))).get("panes");
  if (!panes) return null;
  const filled = panes.replace(FIELD, (_, name) => JSON.stringify(String(row[name] ?? "")).slice(1, -1));
  const [{ datasource, queries }] = Object.values(JSON.parse(filled));
  if (datasource !== "jaeger" || queries[0].queryType !== "search") return null;
  const age = Date.now() - moment(range.from);
  const [lookback] = LOOKBACKS.find(([, length]) => length >= age) ?? LOOKBACKS.at(-1);
  return `/traces?${new URLSearchParams({ service: queries[0].service, lookback, ...(queries[0].tags === "error=true" ? { errors: "1" } : {}) })}`;
}
