// Time ranges as Grafana writes them (now-1h, or milliseconds), and query steps.

const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
/** Grafana's assumption when a data source says nothing. */
export const SCRAPE = 15;

export const PRESETS = [
  ["now-5m", "Last 5 minutes"], ["now-15m", "Last 15 minutes"], ["now-30m", "Last 30 minutes"], ["now-1h", "Last hour"],
  ["now-3h", "Last 3 hours"], ["now-6h", "Last 6 hours"], ["now-12h", "Last 12 hours"], ["now-24h", "Last 24 hours"],
  ["now-2d", "Last 2 days"], ["now-7d", "Last 7 days"],
];

/** Milliseconds since 1970 of "now", "now-15m", "now/d" or a number; throws on anything else. */
export function moment(text, now = Date.now()) {
  if (/^\d+$/.test(text)) return Number(text);
  const found = /^now(?:([+-])(\d+)([smhdw]))?(\/d)?$/.exec(text);
  if (!found) {
    const parsed = Date.parse(text);
    if (Number.isNaN(parsed)) throw new Error(`"${text}" is no time such as now-1h`);
    return parsed;
  }
  const [, sign, count, unit, day] = found;
  const at = now + (count ? (sign === "-" ? -1 : 1) * Number(count) * UNITS[unit] : 0);
  return day ? new Date(at).setHours(0, 0, 0, 0) : at;
}

/** {from, to} in seconds, and step and macros for a panel that is `width` pixels wide. */
export function resolve(range, width = 600) {
  const to = moment(range.to) / 1000;
  const from = moment(range.from) / 1000;
  if (from >= to) throw new Error("The time range ends before it begins");
  const rough = (to - from) / Math.max(60, width / 2.5);
  const step = STEPS.find((each) => each >= rough) ?? Math.ceil(rough / 86400) * 86400;
  return { from, to, step };
}

export function macros({ from, to, step }) {
  const range = Math.round(to - from);
  return {
    __interval: `${step}s`, __interval_ms: String(step * 1000), __rate_interval: `${Math.max(step + SCRAPE, 4 * SCRAPE)}s`,
    __range: `${range}s`, __range_s: String(range), __range_ms: String(range * 1000),
    __from: String(Math.round(from * 1000)), __to: String(Math.round(to * 1000)),
  };
}

/** How a time is written in a local, sortable form; Plotly shows it as it stands. */
export function local(milliseconds) {
  const date = new Date(milliseconds);
  return new Date(milliseconds - date.getTimezoneOffset() * 6e4).toISOString().replace("T", " ").slice(0, 23);
}

export function clock(milliseconds, withDay = false) {
  const text = local(milliseconds);
  return withDay ? text.slice(5, 19) : text.slice(11, 19);
}

export function ago(milliseconds) {
  const seconds = Math.max(0, (Date.now() - milliseconds) / 1000);
  for (const [limit, factor, unit] of [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"]]) {
    if (seconds < limit) return `${Math.floor(seconds / factor)} ${unit} ago`;
  }
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function rangeText({ from, to }) {
  const preset = to === "now" && PRESETS.find(([value]) => value === from);
  if (preset) return preset[1];
  const text = (value) => (value.startsWith("now") ? value : local(Number(value)).slice(0, 16));
  return `${text(from)} to ${text(to)}`;
}
