// Queries and what comes back: series, table frames, log lines, exemplars, alerts.

import { format as formatUnit } from "./units.js";

/** A failed request: `message` is for the reader, `query` what was asked. */
export class QueryError extends Error {
  constructor(message, query) {
    super(message);
    this.query = query;
  }
}

export async function get(path, parameters, signal) {
  const query = parameters ? `?${new URLSearchParams(parameters)}` : "";
  let response;
  try {
    response = await fetch(`/api/${path}${query}`, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new QueryError("The preview itself does not answer", parameters?.query);
  }
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new QueryError(text.trim() || `Status ${response.status}`, parameters?.query);
  }
  if (!response.ok || body.status === "error") {
    throw new QueryError(body.error ?? body.detail ?? body.errors?.[0]?.msg ?? `Status ${response.status}`, parameters?.query);
  }
  return body;
}

export async function labelValues(label, selector, range, signal) {
  const parameters = { start: range.from, end: range.to, ...(selector ? { "match[]": selector } : {}) };
  return (await get(`prometheus/api/v1/label/${label}/values`, parameters, signal)).data;
}

/** Name of a series as Grafana makes it from legendFormat. */
export function legend(format, labels, all) {
  if (format && format !== "__auto") return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  const { __name__: name = "", ...rest } = labels;
  const names = Object.keys(rest).filter((key) => all.length === 1 || all.some((other) => other[key] !== rest[key]));
  if (names.length === 1) return rest[names[0]];
  const inner = names.map((key) => `${key}="${rest[key]}"`).join(", ");
  return inner ? `${name}{${inner}}` : name || "Value";
}

/** Series of a Prometheus target: [{name, labels, refId, times (ms), values}]. NaN means nothing and becomes null. */
export async function series(target, expr, range, signal) {
  const instant = target.instant && !target.range;
  const path = `prometheus/api/v1/${instant ? "query" : "query_range"}`;
  const aligned = { start: Math.floor(range.from / range.step) * range.step, end: Math.floor(range.to / range.step) * range.step };
  const parameters = instant ? { query: expr, time: range.to.toFixed(3) } : { query: expr, ...aligned, step: range.step };
  const { data } = await get(path, parameters, signal);
  if (data.resultType === "scalar" || data.resultType === "string") return [one({ metric: {}, value: data.result }, target, [{}])];
  const all = data.result.map((each) => each.metric);
  return data.result.map((each) => one(each, target, all));
}

function one(result, target, all) {
  const samples = result.values ?? [result.value];
  return {
    name: legend(target.legendFormat, result.metric, all),
    labels: result.metric,
    refId: target.refId,
    times: samples.map(([time]) => time * 1000),
    values: samples.map(([, value]) => (value === "NaN" ? null : Number(value.replace("Inf", "Infinity")))),
  };
}

/** Single calls behind a chart: [{time (ms), value, traceId, labels}]; of each slice of the range the slowest two. */
export async function exemplars(expr, range, signal, slices = 40) {
  const { data } = await get("prometheus/api/v1/query_exemplars", { query: expr, start: range.from, end: range.to }, signal);
  const points = data.flatMap((each) => each.exemplars.map((exemplar) => ({
    time: exemplar.timestamp * 1000, value: Number(exemplar.value), traceId: exemplar.labels.trace_id,
    labels: { ...each.seriesLabels, ...exemplar.labels },
  }))).filter((point) => point.traceId);
  const unique = [...new Map(points.map((point) => [`${point.traceId}${point.value}`, point])).values()];
  const slice = (point) => Math.floor(((point.time / 1000 - range.from) / (range.to - range.from)) * slices);
  return [...Map.groupBy(unique, slice).values()].flatMap((group) => group.sort((a, b) => b.value - a.value).slice(0, 2));
}

/** Newest first: [{time (ms), line, labels}]. */
export async function logLines(expr, range, limit, signal) {
  const nanoseconds = (seconds) => `${Math.round(seconds * 1000)}000000`;
  const parameters = { query: expr, start: nanoseconds(range.from), end: nanoseconds(range.to), limit, direction: "backward" };
  const { data } = await get("loki/loki/api/v1/query_range", parameters, signal);
  if (data.resultType !== "streams") throw new QueryError("A log panel needs a query for lines, not numbers", expr);
  const lines = data.result.flatMap(({ stream, values }) => values.map(([time, line]) => ({ time: Number(time) / 1e6, line, labels: stream })));
  return lines.sort((a, b) => b.time - a.time).slice(0, limit);
}

const CALCS = {
  lastNotNull: (values) => values.at(-1),
  last: (values) => values.at(-1),
  firstNotNull: (values) => values[0],
  first: (values) => values[0],
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  count: (values) => values.length,
  range: (values) => Math.max(...values) - Math.min(...values),
  delta: (values) => values.at(-1) - values[0],
};
export const CALC_NAMES = { lastNotNull: "Last", last: "Last", mean: "Mean", max: "Max", min: "Min", sum: "Total", count: "Count" };

/** One number from a series' values; null when there is none. Throws for a calculation that is not known. */
export function reduce(values, calc) {
  if (!(calc in CALCS)) throw new Error(`The preview does not know the calculation ${calc}`);
  const present = values.filter((value) => value != null);
  return present.length ? CALCS[calc](present) : null;
}

/** Table frames of instant queries, one per target: {columns: [name], rows: [{column: value}]}. */
export function frames(results) {
  const several = results.length > 1;
  return results.map(({ target, series: all }) => {
    const value = several ? `Value #${target.refId}` : "Value";
    const labels = [...new Set(all.flatMap((each) => Object.keys(each.labels)))].filter((name) => name !== "__name__").sort();
    return {
      columns: ["Time", ...labels, value],
      rows: all.map((each) => ({ Time: each.times.at(-1), ...each.labels, [value]: each.values.at(-1) })),
    };
  });
}

const TRANSFORMATIONS = {
  merge(every) {
    const all = every.filter(({ rows }) => rows.length); // an empty answer has no labels, and says nothing about rows
    const columns = [...new Set(all.flatMap((frame) => frame.columns))];
    const keys = columns.filter((name) => all.every((frame) => frame.columns.includes(name)) && name !== "Time");
    const rows = new Map();
    for (const row of all.flatMap((frame) => frame.rows)) {
      const key = JSON.stringify(keys.map((name) => row[name]));
      rows.set(key, { ...rows.get(key), ...row });
    }
    return [{ columns, rows: [...rows.values()] }];
  },
  groupBy(all, { fields }) {
    const by = Object.keys(fields).filter((name) => fields[name].operation === "groupby");
    const calculated = Object.keys(fields).flatMap((name) => (fields[name].operation === "aggregate" ? fields[name].aggregations.map((calc) => [name, calc]) : []));
    return all.filter(({ columns }) => by.some((name) => columns.includes(name))).map(({ columns, rows }) => {
      const groups = Map.groupBy(rows, (row) => JSON.stringify(by.map((name) => row[name])));
      const shown = calculated.filter(([name]) => columns.includes(name));
      return {
        columns: [...by.filter((name) => columns.includes(name)), ...shown.map(([name, calc]) => `${name} (${calc})`)],
        rows: [...groups.values()].map((group) => ({
          ...Object.fromEntries(by.map((name) => [name, group[0][name]])),
          ...Object.fromEntries(shown.map(([name, calc]) => [`${name} (${calc})`, reduce(group.map((row) => row[name]), calc)])),
        })),
      };
    });
  },
  organize(all, { excludeByName = {}, indexByName = {}, renameByName = {} }) {
    return all.map(({ columns, rows }) => {
      const kept = columns.filter((name) => !excludeByName[name]);
      kept.sort((a, b) => (indexByName[a] ?? 1e9) - (indexByName[b] ?? 1e9));
      const renamed = (name) => renameByName[name] || name;
      return { columns: kept.map(renamed), rows: rows.map((row) => Object.fromEntries(kept.map((name) => [renamed(name), row[name]]))) };
    });
  },
  sortBy(all, { sort: [{ field, desc = false }] }) {
    const order = (a, b) => (a[field] === b[field] ? 0 : (a[field] < b[field] ? -1 : 1) * (desc ? -1 : 1));
    return all.map(({ columns, rows }) => ({ columns, rows: rows.toSorted(order) }));
  },
  rowsToFields(all, { mappings = [] }) {
    const field = (handler) => mappings.find((mapping) => mapping.handlerKey === handler)?.fieldName;
    const [name, value] = [field("field.name"), field("field.value")];
    return all.map(({ rows }) => ({ columns: rows.map((row) => row[name]), rows: [Object.fromEntries(rows.map((row) => [row[name], row[value]]))] }));
  },
  groupingToMatrix(all, { rowField, columnField, valueField }) {
    return all.map(({ rows }) => {
      const corner = `${rowField}\\${columnField}`;
      const columns = [...new Set(rows.map((row) => row[columnField]))].sort();
      const byRow = Map.groupBy(rows, (row) => row[rowField]);
      const matrix = [...byRow].map(([name, group]) => ({
        [corner]: name, ...Object.fromEntries(group.map((row) => [row[columnField], row[valueField]])),
      }));
      return { columns: [corner, ...columns], rows: matrix };
    });
  },
};

/** One frame after the panel's transformations. Throws for one that is not known. */
export function transform(all, transformations = []) {
  for (const { id, options } of transformations) {
    if (!(id in TRANSFORMATIONS)) throw new Error(`The preview does not know the transformation ${id}`);
    all = TRANSFORMATIONS[id](all, options ?? {});
  }
  return all[0] ?? { columns: [], rows: [] };
}

const RANK = { critical: 0, warning: 1, info: 2, none: 3 };

/** Alerts of Prometheus in the panel's states, most severe first. */
export async function alerts(options, signal) {
  const { data } = await get("prometheus/api/v1/rules", { type: "alert" }, signal);
  const wanted = /severity=~"([^"]*)"/.exec(options.alertInstanceLabelFilter ?? "")?.[1];
  const severities = wanted ? new RegExp(`^(?:${wanted})$`) : /.*/;
  const found = data.groups.flatMap((group) => group.rules).flatMap((rule) => (rule.alerts ?? []).map((alert) => ({
    name: rule.name, state: alert.state, since: Date.parse(alert.activeAt), labels: alert.labels, annotations: alert.annotations,
    severity: alert.labels.severity ?? "none",
  })));
  const shown = found.filter((alert) => severities.test(alert.severity) && options.stateFilter?.[alert.state] !== false);
  const rank = (alert) => (alert.state === "firing" ? 0 : 10) + (RANK[alert.severity] ?? 4);
  return shown.sort((a, b) => rank(a) - rank(b) || b.since - a.since).slice(0, options.maxItems ?? 20);
}

/** Moments at which an annotation's query holds: [{time (ms), title, text, color}]. */
export async function events(annotation, expr, range, signal) {
  const step = Math.max(60, range.step);
  const found = await series({ legendFormat: "", refId: "Anno", range: true }, expr, { ...range, step }, signal);
  const fill = (pattern, labels) => (pattern ?? "").replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  return found.flatMap(({ labels, times }) => times.filter((time, index) => index === 0 || time - times[index - 1] > step * 1500).map((time) => ({
    time, title: fill(annotation.titleFormat, labels), text: fill(annotation.textFormat, labels), color: annotation.iconColor,
  })));
}

export const formatBound = (bound, unit) => (bound === "+Inf" ? "∞" : formatUnit(Number(bound), unit));
