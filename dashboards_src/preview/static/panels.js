// Panels that are plain elements: numbers, bars, tables, state bands, log lines, alerts, text.

import { alpha, byThreshold, color, fieldOptions, seriesColor } from "./colors.js";
import { reduce } from "./data.js";
import { clear, h, icon } from "./dom.js";
import { ago, clock, local } from "./time.js";
import { format, parts } from "./units.js";

const calcOf = (panel) => panel.options.reduceOptions?.calcs?.[0] ?? "lastNotNull";

function sparkline({ times, values }, stroke) {
  const points = times.map((time, index) => [time, values[index]]).filter(([, value]) => value != null);
  if (points.length < 2) return null;
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const high = Math.max(...points.map(([, value]) => value)), low = Math.min(0, ...points.map(([, value]) => value));
  const place = ([time, value]) => `${(((time - from) / (to - from || 1)) * 100).toFixed(2)},${(38 - ((value - low) / (high - low || 1)) * 34).toFixed(2)}`;
  const line = points.map(place).join(" ");
  return h("svg", { class: "spark", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" },
    h("polygon", { points: `0,40 ${line} 100,40`, fill: alpha(stroke, 0.14) }),
    h("polyline", { points: line, fill: "none", stroke, "stroke-width": "1.5", "vector-effect": "non-scaling-stroke" }));
}

/** `content` as a link where the field has one that leads somewhere on this page. */
function linked(links, context, row, ...content) {
  for (const { title, url } of links ?? []) {
    const href = context.link(url, row);
    if (href) return h("a", { class: "data-link", href, title }, content);
  }
  return content;
}

export function stat(body, panel, { all }, context) {
  const shown = all.map((each) => ({ each, value: reduce(each.values, calcOf(panel)) })).filter(({ value }) => value != null);
  if (!shown.length) return false;
  const { unit, decimals, thresholds, links } = panel.fieldConfig.defaults;
  const loud = panel.options.colorMode?.startsWith("background");
  clear(body, h("div", { class: "stats" }, shown.map(({ each, value }) => {
    const chosen = byThreshold(thresholds, value);
    const filled = loud && chosen !== "transparent";
    const [number, suffix] = parts(value, unit, decimals);
    return h("div", { class: `stat${filled ? " loud" : ""}`, style: filled ? { background: chosen } : {} }, linked(links, context, {},
      panel.options.graphMode === "area" && !loud ? sparkline(each, chosen) : null,
      shown.length > 1 ? h("span", { class: "stat-name" }, each.name) : null,
      h("span", { class: "stat-value", style: loud ? {} : { color: chosen } }, number, suffix ? h("span", { class: "stat-unit" }, suffix) : null)));
  })));
  return true;
}

export function bargauge(body, panel, { all }) {
  const shown = all.map((each) => ({ name: each.name, value: reduce(each.values, calcOf(panel)) })).filter(({ value }) => value != null);
  if (!shown.length) return false;
  shown.sort((a, b) => b.value - a.value);
  const { unit, decimals, min = 0, max } = panel.fieldConfig.defaults;
  const top = max ?? Math.max(...shown.map(({ value }) => value), 0);
  clear(body, h("div", { class: "bars" }, shown.map(({ name, value }) => {
    const chosen = seriesColor(panel, name, value);
    const width = Math.max(0, Math.min(100, ((value - min) / (top - min || 1)) * 100));
    return h("div", { class: "bar", role: "img", "aria-label": `${name} ${format(value, unit, decimals)}` },
      h("span", { class: "bar-name", title: name }, name),
      h("span", { class: "bar-track" }, h("span", { class: "bar-fill", style: { width: `${width}%`, background: chosen } })),
      h("span", { class: "bar-value number", style: panel.fieldConfig.defaults.color?.mode === "thresholds" ? { color: chosen } : {} }, format(value, unit, decimals)));
  })));
  return true;
}

export function table(body, panel, { frame }, context) {
  if (!frame.rows.length) return false;
  const initial = panel.options.sortBy?.[0];
  const sort = context.state.sort ??= { column: initial?.displayName, descending: initial?.desc ?? false };
  const numeric = new Set(frame.columns.filter((name) => frame.rows.some((row) => typeof row[name] === "number")));
  const compare = (a, b) => (a == null ? 1 : b == null ? -1 : (typeof a === "number" ? a - b : String(a).localeCompare(b)) * (sort.descending ? -1 : 1));
  const rows = frame.columns.includes(sort.column) ? frame.rows.toSorted((a, b) => compare(a[sort.column], b[sort.column])) : frame.rows;
  const width = (name) => {
    const { width: exact, minWidth: least } = fieldOptions(panel, name).custom;
    return exact ? { width: `${exact}px` } : least ? { "min-width": `${least}px` } : {};
  };
  const header = (name) => h("th", { scope: "col", style: width(name), class: numeric.has(name) ? "number" : null, "aria-sort": sort.column === name ? (sort.descending ? "descending" : "ascending") : null },
    h("button", {
      type: "button",
      onclick: () => {
        sort.descending = sort.column === name ? !sort.descending : numeric.has(name);
        sort.column = name;
        table(body, panel, { frame }, context);
      },
    }, name, sort.column === name ? h("span", { "aria-hidden": "true" }, sort.descending ? " ↓" : " ↑") : null));
  clear(body, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": panel.title }, h("table", { class: "data" },
    h("thead", {}, h("tr", {}, frame.columns.map(header))),
    h("tbody", {}, rows.map((row) => h("tr", {}, frame.columns.map((name) => cell(panel, name, row, rows, context))))))));
  return true;
}

function cell(panel, name, row, rows, context) {
  const value = row[name];
  const options = fieldOptions(panel, name);
  if (typeof value === "string") return h("td", {}, linked(options.links, context, row, value));
  if (value == null) return h("td", { class: "number muted" }, options.noValue ?? "–");
  const text = linked(options.links, context, row, format(value, options.unit, options.decimals));
  const chosen = () => (options.color?.mode === "fixed" ? color(options.color.fixedColor) : byThreshold(options.thresholds, value));
  switch (options.custom.cellOptions?.type) {
    case "color-text": return h("td", { class: "number strong", style: { color: chosen() } }, text);
    case "color-background": return h("td", { class: "number alarm", style: { background: chosen() } }, text);
    case "gauge": {
      const top = options.max ?? Math.max(...rows.map((row) => row[name] ?? 0));
      return h("td", { class: "number" }, h("span", { class: "cell-gauge" },
        h("span", { class: "bar-track" }, h("span", { class: "bar-fill", style: { width: `${top ? (value / top) * 100 : 0}%`, background: chosen() } })), h("span", {}, text)));
    }
    default: return h("td", { class: "number" }, text);
  }
}

/** Bands of equal values; a gap longer than one and a half steps stays empty. */
export function segments({ times, values }, step) {
  const found = [];
  times.forEach((time, index) => {
    const last = found.at(-1);
    const end = time + step * 1000;
    if (last && last.value === values[index] && time - last.to <= step * 500) last.to = end;
    else found.push({ from: time, to: end, value: values[index] });
  });
  return found;
}

export function stateTimeline(body, panel, { all, range }) {
  if (!all.length) return false;
  const { mappings = [], unit, decimals } = panel.fieldConfig.defaults;
  const mapping = Object.assign({}, ...mappings.filter((each) => each.type === "value").map((each) => each.options));
  const [from, to] = [range.from * 1000, range.to * 1000];
  const position = (time) => `${Math.max(0, Math.min(100, ((time - from) / (to - from)) * 100)).toFixed(3)}%`;
  const rows = all.toSorted((a, b) => a.name.localeCompare(b.name)).map((each) => {
    const bands = segments(each, range.step);
    const last = bands.at(-1);
    const state = mapping[String(last.value)]?.text ?? format(last.value, unit, decimals);
    return h("div", { class: "state-row", role: "img", "aria-label": `${each.name}: ${state} now` },
      h("span", { class: "state-name", title: each.name }, each.name),
      h("span", { class: "state-track" }, bands.map((band) => {
        const mapped = mapping[String(band.value)];
        const text = mapped?.text ?? format(band.value, unit, decimals);
        const left = Math.max(from, band.from), right = Math.min(to, band.to);
        return h("span", {
          class: "state-band", title: `${each.name}: ${text}, ${clock(band.from)} to ${clock(band.to)}`,
          style: { left: position(left), width: `calc(${position(from + (right - left))})`, background: color(mapped?.color ?? "blue") },
        });
      })));
  });
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, local(from + (to - from) * part).slice(11, 16)));
  const wide = all.some((each) => each.name.length > 14);
  clear(body, h("div", { class: `states${wide ? " wide" : ""}` }, h("div", { class: "state-rows" }, rows), h("div", { class: "state-axis", "aria-hidden": "true" }, marks)));
  return true;
}

const LEVELS = { critical: "critical", fatal: "critical", error: "error", err: "error", warn: "warning", warning: "warning", info: "info", debug: "debug", trace: "debug" };

/** Shown in other places of a line, or by opening it. */
const UNTOLD = new Set(["timestamp", "time", "ts", "level", "trace_id", "span_id", "request_id"]);

/** What a reader wants of a line: the message of a JSON object or of logfmt, else the line as it is. */
export function summary(line) {
  if (line.startsWith("{")) {
    try {
      const fields = JSON.parse(line);
      const text = fields.message ?? fields.msg ?? fields.body;
      if (typeof text === "string") return { text, fields };
      const told = Object.entries(fields).filter(([key, value]) => value != null && !UNTOLD.has(key) && typeof value !== "object");
      return { text: told.map(([key, value]) => `${key}=${typeof value === "number" ? Number(value.toPrecision(3)) : value}`).join("  "), fields };
    } catch {
      return { text: line, fields: {} };
    }
  }
  const message = /(?:^|\s)msg="((?:[^"\\]|\\.)*)"/.exec(line);
  return { text: message ? message[1].replace(/\\"/g, '"') : line, fields: message ? { line } : {} };
}

export function logRows(lines, context) {
  return lines.map(({ time, line, labels }) => {
    const { text, fields } = summary(line);
    const level = LEVELS[(labels.level ?? labels.detected_level ?? labels.severity_text ?? "").toLowerCase()] ?? "unknown";
    const source = labels.component ?? labels.service_name ?? labels.job ?? "";
    const details = { ...labels, ...Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])) };
    const traceId = details.trace_id;
    return h("details", { class: `log level-${level}` },
      h("summary", {},
        h("time", { datetime: new Date(time).toISOString(), title: local(time) }, clock(time)),
        h("span", { class: "log-level" }, level === "unknown" ? "" : level),
        text.startsWith(source) ? null : h("span", { class: "log-source" }, source),
        h("span", { class: "log-line" }, text),
        traceId && traceId !== context.traceId ? h("a", { class: "log-trace", href: `/trace/${traceId}`, title: "Open the trace of this line", onclick: (event) => { event.preventDefault(); context.openTrace(traceId); } }, "trace") : null),
      h("dl", { class: "fields" }, Object.entries(details).sort(([a], [b]) => a.localeCompare(b)).map(([key, value]) => [h("dt", {}, key),
        h("dd", {}, key === "trace_id" ? h("a", { href: `/trace/${value}` }, value) : value)])));
  });
}

export function logs(body, panel, { lines }, context) {
  if (!lines.length) return false;
  clear(body, h("div", { class: "logs scroll", tabindex: "0", role: "region", "aria-label": panel.title }, logRows(lines, context)));
  return true;
}

/** true also without any alert: that is an answer, not missing data. */
export function alertlist(body, panel, { alerts }) {
  if (!alerts.length) {
    clear(body, h("p", { class: "calm" }, h("span", { class: "calm-mark", "aria-hidden": "true" }, "✓"), panel.fieldConfig.defaults.noValue ?? "No alerts"));
    return true;
  }
  clear(body, h("ul", { class: "alerts scroll", tabindex: "0", "aria-label": panel.title }, alerts.map((alert) => {
    const runbook = alert.annotations.runbook_url;
    return h("li", { class: `alert severity-${alert.severity} state-${alert.state}` },
      h("div", { class: "alert-head" },
        h("span", { class: "badge" }, alert.severity),
        h("strong", {}, alert.name),
        h("span", { class: "alert-state" }, alert.state === "firing" ? `firing ${ago(alert.since).replace(" ago", "")}` : alert.state),
        runbook && /^https?:/.test(runbook) ? h("a", { href: runbook, target: "_blank", rel: "noreferrer" }, "Runbook", icon("out")) : null),
      h("p", {}, alert.annotations.summary ?? ""));
  })));
  return true;
}

export function text(body, panel) {
  clear(body, h("div", { class: "prose scroll" }, panel.options.content.split(/\n{2,}/).map((paragraph) => h("p", {}, paragraph.replace(/^#+\s*/, "")))));
  return true;
}

