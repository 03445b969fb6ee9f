// Panels that Plotly draws: lines, bars, heat maps, donuts, gauges.

import { alpha, assign, byThreshold, color, css, fieldOptions, isLight, seriesColor } from "./colors.js";
import { CALC_NAMES, formatBound, reduce } from "./data.js";
import { h } from "./dom.js";
import { clock, local } from "./time.js";
import { format, ticks } from "./units.js";

const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false };

function baseLayout(extra = {}) {
  return {
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: css("--font"), size: 11, color: css("--text-2") },
    margin: { l: 8, r: 10, t: 6, b: 22 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: css("--raised"), bordercolor: css("--line-strong"), font: { color: css("--text"), size: 12, family: css("--font") }, namelength: 40 },
    showlegend: false,
    dragmode: "zoom",
    ...extra,
  };
}

function timeAxis(range) {
  return {
    type: "date", range: [local(range.from * 1000), local(range.to * 1000)], gridcolor: css("--grid"), zeroline: false, nticks: 7, ticklabeloverflow: "hide past domain",
    tickformatstops: [
      { dtickrange: [null, 6e4], value: "%H:%M:%S" }, { dtickrange: [6e4, 864e5], value: "%H:%M" }, { dtickrange: [864e5, null], value: "%b %d" },
    ],
    hoverformat: "%b %d %H:%M:%S", showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "solid", spikecolor: css("--line-strong"), spikesnap: "cursor",
    fixedrange: false,
  };
}

function valueAxis(low, high, unit, height, decimals) {
  const values = ticks(low, high, Math.max(2, Math.floor(height / 45)), unit);
  const labels = values.map((value) => format(value, unit, decimals != null && Math.abs(value) < 1 ? decimals : null));
  const longest = Math.max(...labels.map((label) => label.length), 2);
  return {
    axis: {
      range: [low, high], tickmode: "array", tickvals: values, ticktext: labels, gridcolor: css("--grid"), zeroline: false, fixedrange: true,
    },
    margin: Math.min(90, 12 + longest * 6.4),
  };
}

/** Break the line where samples are missing. */
function withGaps({ times, values }, step) {
  const x = [], y = [];
  times.forEach((time, index) => {
    if (index && time - times[index - 1] > step * 1500) { x.push(local(time - 1)); y.push(null); }
    x.push(local(time));
    y.push(values[index]);
  });
  return { x, y };
}

/** Series in an order in which one that is filled down to another comes right after it, as Plotly wants it. */
export function bandOrder(panel, all) {
  const names = new Map(all.map((each) => [each.name, each]));
  const lower = (each) => names.get(fieldOptions(panel, each.name).custom.fillBelowTo);
  const ends = new Set(all.map(lower).filter(Boolean));
  return all.filter((each) => !ends.has(each)).flatMap((each) => (lower(each) ? [lower(each), each] : [each]));
}

/** A stack needs every series at every time; one that is absent adds nothing to it. */
function onGrid({ times, values }, grid) {
  const known = new Map(times.map((time, index) => [time, values[index]]));
  return { x: grid.map(local), y: grid.map((time) => known.get(time) ?? 0) };
}

function stackedMaximum(all) {
  const sums = new Map();
  for (const { times, values } of all) times.forEach((time, index) => sums.set(time, (sums.get(time) ?? 0) + (values[index] ?? 0)));
  return Math.max(...sums.values());
}

function bounds(panel, all, exemplars) {
  const { min, max, custom } = panel.fieldConfig.defaults;
  const values = all.flatMap((each) => each.values).filter((value) => Number.isFinite(value));
  let high = custom?.stacking?.mode === "normal" ? stackedMaximum(all) : Math.max(...values);
  high = Math.max(high, custom?.axisSoftMax ?? high, ...exemplars.map((point) => point.value));
  const low = min ?? Math.min(...values);
  if (!(high > low)) high = low + 1;
  return [low, max ?? high + (high - low) * 0.06];
}

const exemplarTrace = (points, y, unit) => ({
  type: "scatter", mode: "markers", x: points.map((point) => local(point.time)), y, customdata: points.map((point) => point.traceId),
  text: points.map((point) => `${format(point.value, unit)}  ${[point.labels.service, point.labels.model].filter(Boolean).join(" · ")}<br>trace ${point.traceId.slice(0, 16)}… click to open`),
  hovertemplate: "%{text}<extra>one call</extra>",
  marker: { symbol: "diamond", size: 6, color: color("orange"), opacity: 0.75, line: { width: 0 } },
});

function eventTraces(events) {
  if (!events.length) return { traces: [], shapes: [] };
  const shapes = events.map((event) => ({
    type: "line", xref: "x", yref: "paper", x0: local(event.time), x1: local(event.time), y0: 0, y1: 1, opacity: 0.45, layer: "below", line: { color: color(event.color), width: 1, dash: "dot" },
  }));
  return {
    shapes,
    traces: [{
      type: "scatter", mode: "markers", yaxis: "y2", x: events.map((event) => local(event.time)), y: events.map(() => 0), cliponaxis: false,
      marker: { symbol: "triangle-up", size: 8, color: events.map((event) => color(event.color)) },
      text: events.map((event) => `<b>${event.title}</b> ${event.text}`), hovertemplate: "%{text}<extra>alert</extra>",
    }],
  };
}

function listen(plot, context) {
  plot.on("plotly_click", ({ points }) => {
    const trace = points.find((point) => typeof point.customdata === "string");
    if (trace) context.openTrace(trace.customdata);
  });
  plot.on("plotly_relayout", (change) => {
    const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
    if (from && to) context.zoom(new Date(String(from).replace(" ", "T")).getTime(), new Date(String(to).replace(" ", "T")).getTime());
  });
}

/** HTML legend: buttons that show one series alone, or again all; a table when the panel asks for calculations. */
export function legendBlock(panel, entries, hidden, toggle) {
  const options = panel.options?.legend ?? {};
  if (options.showLegend === false || entries.length === 0) return null;
  const calcs = options.calcs ?? [];
  const button = (entry) => h("button", {
    type: "button", class: "series", "aria-pressed": String(!hidden.has(entry.name)), title: `Show only ${entry.name}`, onclick: () => toggle(entry.name),
  }, h("span", { class: "swatch", style: { background: entry.color } }), h("span", { class: "series-name" }, entry.name));
  if (options.displayMode !== "table" || !calcs.length) return h("div", { class: "legend", role: "group", "aria-label": "Series" }, entries.map(button));
  return h("table", { class: "legend-table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Series"), calcs.map((calc) => h("th", { scope: "col", class: "number" }, CALC_NAMES[calc] ?? calc)))),
    h("tbody", {}, entries.map((entry) => {
      const { unit, decimals } = fieldOptions(panel, entry.name);
      return h("tr", {}, h("th", { scope: "row" }, button(entry)), calcs.map((calc) => h("td", { class: "number" }, format(reduce(entry.values, calc), unit, decimals))));
    })));
}

export function timeseries(body, panel, { all, exemplars, events, range }, context) {
  const hidden = context.state.hidden ??= new Set();
  const defaults = panel.fieldConfig.defaults;
  const style = defaults.custom ?? {};
  const stacked = style.stacking?.mode === "normal";
  const palette = assign(all.map((each) => each.name));
  const entries = all.map((each) => ({ ...each, color: seriesColor(panel, each.name, reduce(each.values, "lastNotNull"), palette) }));
  const plot = h("div", { class: "plot" });
  const draw = () => {
    const shown = entries.filter((each) => !hidden.has(each.name));
    const visible = bandOrder(panel, shown.length ? shown : entries);
    const drawn = new Set(visible.map((each) => each.name));
    const listed = entries.filter((each) => !fieldOptions(panel, each.name).custom.hideFrom?.legend);
    const legend = legendBlock(panel, listed, hidden, (name) => {
      const alone = hidden.size === entries.length - 1 && !hidden.has(name);
      hidden.clear();
      if (!alone) entries.forEach((each) => each.name !== name && hidden.add(each.name));
      draw();
    });
    body.replaceChildren(plot, ...(legend ? [legend] : []));
    const height = plot.clientHeight;
    const [low, high] = bounds(panel, visible, exemplars);
    const { axis, margin } = valueAxis(low, high, defaults.unit, height, defaults.decimals);
    const marks = eventTraces(events);
    const bars = style.drawStyle === "bars";
    const grid = [...new Set(visible.flatMap((each) => each.times))].sort((a, b) => a - b);
    const traces = visible.map((each) => {
      const options = fieldOptions(panel, each.name);
      const data = stacked && !bars ? onGrid(each, grid) : withGaps(each, range.step);
      const text = data.y.map((value) => format(value, options.unit, options.decimals));
      const shared = { ...data, name: each.name, text, hovertemplate: "%{text}<extra>%{fullData.name}</extra>" };
      if (bars) return { ...shared, type: "bar", width: range.step * 850, textposition: "none", marker: { color: each.color, line: { width: 0 } } };
      return {
        ...shared, type: "scatter", mode: each.values.length === 1 ? "markers" : "lines",
        line: { color: each.color, width: options.custom.lineWidth === 0 ? 0 : options.custom.lineWidth ?? 1, dash: options.custom.lineStyle?.fill === "dash" ? "dash" : "solid" },
        ...(stacked ? { stackgroup: "a", fillcolor: alpha(each.color, (style.fillOpacity ?? 20) / 100) }
          : drawn.has(options.custom.fillBelowTo) ? { fill: "tonexty", fillcolor: alpha(each.color, (options.custom.fillOpacity ?? 20) / 100) }
          : visible.length < 4 && options.custom.fillOpacity && !data.y.includes(null) ? { fill: "tozeroy", fillcolor: alpha(each.color, style.fillOpacity / 100) } : {}),
      };
    });
    if (exemplars.length) traces.push(exemplarTrace(exemplars, exemplars.map((point) => point.value), defaults.unit));
    const lines = style.thresholdsStyle?.mode?.includes("dashed") || style.thresholdsStyle?.mode === "line" ? (defaults.thresholds?.steps ?? []).filter((step) => step.value != null) : [];
    Plotly.react(plot, [...traces, ...marks.traces], baseLayout({
      xaxis: timeAxis(range), yaxis: axis, yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
      barmode: stacked ? "stack" : "group", bargap: 0.15,
      margin: { l: margin, r: 10, t: 6, b: 22 },
      shapes: [...marks.shapes, ...lines.map((step) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: step.value, y1: step.value, line: { color: color(step.color), width: 1, dash: "dash" } }))],
    }), CONFIG);
    plot.removeAllListeners?.("plotly_click");
    plot.removeAllListeners?.("plotly_relayout");
    listen(plot, context);
  };
  body.replaceChildren(plot);
  draw();
}

/** Buckets come cumulative over le; a row is what lies between one bound and the next. */
export function heatmap(body, panel, { all, exemplars, range }, context) {
  const bounded = all.filter((each) => each.labels.le !== undefined).map((each) => ({ ...each, bound: Number(each.labels.le.replace("+Inf", "Infinity")) })).sort((a, b) => a.bound - b.bound);
  if (!bounded.length) throw new Error("A heat map needs buckets: a query that groups by le");
  const times = [...new Set(bounded.flatMap((each) => each.times))].sort((a, b) => a - b);
  const lookup = bounded.map((each) => new Map(each.times.map((time, index) => [time, each.values[index]])));
  const rows = bounded.map((_, row) => times.map((time) => {
    const value = (lookup[row].get(time) ?? 0) - (row ? lookup[row - 1].get(time) ?? 0 : 0);
    return value > 1e-9 ? value : null;
  }));
  const used = rows.map((row) => row.some((value) => value != null));
  const first = Math.max(0, used.indexOf(true) - 1), last = Math.min(rows.length - 1, used.lastIndexOf(true) + 1);
  if (first > last || !used.includes(true)) return false;
  const unit = panel.options.yAxis?.unit ?? "none";
  const shown = bounded.slice(first, last + 1);
  const names = shown.map((each, index) => `${index + first ? formatBound(bounded[index + first - 1].labels.le, unit) : "0"} – ${formatBound(each.labels.le, unit)}`);
  const place = (value) => {
    const row = bounded.findIndex((each) => value <= each.bound);
    if (row < first || row > last) return null;
    const low = row ? bounded[row - 1].bound : 0, high = bounded[row].bound;
    return row - first - 0.5 + (Number.isFinite(high) ? (value - low) / (high - low) : 0.5);
  };
  const placed = exemplars.map((point) => ({ ...point, y: place(point.value) })).filter((point) => point.y != null);
  const empty = css("--panel");
  const plot = h("div", { class: "plot" });
  body.replaceChildren(plot);
  const every = Math.ceil(shown.length / Math.max(3, Math.floor(plot.clientHeight / 22)));
  const marks = shown.map((_, index) => index).filter((index) => index % every === 0);
  Plotly.react(plot, [{
    type: "heatmap", x: times.map((time) => local(time - range.step * 500)), y: shown.map((_, index) => index), z: rows.slice(first, last + 1),
    xgap: 1, ygap: 1, hoverongaps: false,
    text: names.map((name, row) => times.map((time, column) => `${clock(time)}  ${name}<br><b>${format(rows[row + first][column], "short")}</b>`)),
    hovertemplate: "%{text}<extra></extra>",
    colorscale: isLight() ? [[0, "#e3edfd"], [0.3, "#8ab8ff"], [0.7, "#1f60c4"], [1, "#0d2f6b"]] : [[0, "#1d2c49"], [0.3, "#2a5db0"], [0.65, "#5794f2"], [1, "#dbe8ff"]],
    zmin: 0, colorbar: { thickness: 8, outlinewidth: 0, len: 1, x: 1.01, xpad: 4, tickfont: { size: 10 }, nticks: 4 },
  }, ...(placed.length ? [exemplarTrace(placed, placed.map((point) => point.y), unit)] : [])], baseLayout({
    hovermode: "closest", plot_bgcolor: empty, margin: { l: 58, r: 6, t: 6, b: 22 },
    xaxis: { ...timeAxis(range), showspikes: false },
    yaxis: { tickmode: "array", tickvals: marks.map((index) => index + 0.5), ticktext: marks.map((index) => formatBound(shown[index].labels.le, unit)), range: [-0.5, shown.length - 0.5], showgrid: false, zeroline: false, fixedrange: true },
  }), CONFIG);
  listen(plot, context);
  return true;
}

/** One slice per field of the frame. */
export function piechart(body, panel, { frame }) {
  const entries = frame.columns.map((name) => ({ name, value: frame.rows[0][name], color: seriesColor(panel, name) }))
    .filter((each) => each.value > 0).sort((a, b) => b.value - a.value);
  if (!entries.length) return false;
  const { unit, decimals } = panel.fieldConfig.defaults;
  const total = entries.reduce((sum, each) => sum + each.value, 0);
  const plot = h("div", { class: "plot" });
  body.replaceChildren(h("div", { class: "donut" }, plot, h("table", { class: "legend-table" }, h("tbody", {}, entries.map((each) => h("tr", {},
    h("th", { scope: "row" }, h("span", { class: "swatch", style: { background: each.color } }), h("span", { class: "series-name", title: each.name }, each.name)),
    h("td", { class: "number" }, format(each.value, unit, decimals)),
    h("td", { class: "number muted" }, format(each.value / total, "percentunit", 0))))))));
  Plotly.react(plot, [{
    type: "pie", labels: entries.map((each) => each.name), values: entries.map((each) => each.value), hole: 0.66, sort: false, direction: "clockwise", textinfo: "none",
    text: entries.map((each) => format(each.value, unit, decimals)), hovertemplate: "%{label}<br><b>%{text}</b> %{percent}<extra></extra>",
    marker: { colors: entries.map((each) => each.color), line: { color: css("--panel"), width: 2 } },
  }], baseLayout({
    margin: { l: 4, r: 4, t: 4, b: 4 }, hovermode: "closest",
    annotations: [{ text: `<b>${format(total, unit, 2)}</b>`, showarrow: false, font: { size: 15, color: css("--text") } }],
  }), CONFIG);
  return true;
}

export function barchart(body, panel, { frame }) {
  const options = panel.options;
  const field = options.xField ?? frame.columns[0];
  const columns = frame.columns.filter((name) => name !== field);
  if (!frame.rows.length || !columns.length) return false;
  const { unit, decimals } = panel.fieldConfig.defaults;
  const entries = columns.map((name) => ({ name, color: seriesColor(panel, name), values: frame.rows.map((row) => row[name] ?? null) }));
  const x = frame.rows.map((row) => row[field].replace(/^\d{4}-/, ""));
  const high = options.stacking === "normal" ? Math.max(...frame.rows.map((row) => columns.reduce((sum, name) => sum + (row[name] ?? 0), 0))) : Math.max(...entries.flatMap((each) => each.values));
  const plot = h("div", { class: "plot" });
  const legend = legendBlock(panel, entries, new Set(), () => {});
  body.replaceChildren(plot, ...(legend ? [legend] : []));
  const { axis, margin } = valueAxis(0, (high || 1) * 1.06, unit, plot.clientHeight);
  Plotly.react(plot, entries.map((each) => ({
    type: "bar", name: each.name, x, y: each.values, marker: { color: each.color, line: { width: 0 } }, textposition: "none",
    text: each.values.map((value) => format(value, unit, decimals)), hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
  })), baseLayout({
    barmode: options.stacking === "normal" ? "stack" : "group", bargap: 1 - (options.barWidth ?? 0.8), dragmode: false, margin: { l: margin, r: 10, t: 6, b: 22 },
    xaxis: { type: "category", range: [Math.min(-0.5, x.length - 7.5), x.length - 0.5], fixedrange: true, tickcolor: "transparent" }, yaxis: axis,
  }), CONFIG);
  return true;
}

export function gauge(body, panel, { all }) {
  const { unit, decimals, min = 0, max, thresholds } = panel.fieldConfig.defaults;
  const values = all.map((each) => ({ name: each.name, value: reduce(each.values, panel.options.reduceOptions.calcs[0]) })).filter((each) => each.value != null);
  if (!values.length) return false;
  const plot = h("div", { class: "plot" });
  body.replaceChildren(plot);
  const top = max ?? Math.max(...values.map((each) => each.value)) * 1.2;
  const steps = (thresholds?.steps ?? []).map((step, index, every) => ({ from: step.value ?? min, to: every[index + 1]?.value ?? top, color: color(step.color) }));
  const width = plot.clientWidth / values.length, height = plot.clientHeight;
  Plotly.react(plot, values.map((each, index) => ({
    type: "indicator", mode: "gauge", value: Math.min(each.value, top),
    domain: { x: [(index + 0.04) / values.length, (index + 0.96) / values.length], y: [0, 1] },
    gauge: {
      axis: { range: [min, top], visible: false }, bgcolor: css("--raised"), borderwidth: 0,
      bar: { color: byThreshold(thresholds, each.value), thickness: 0.72, line: { width: 0 } },
      steps: steps.filter((step) => step.to > step.from && step.from < top).map((step) => ({ range: [step.from, Math.min(step.to, top)], color: alpha(step.color, 0.28), thickness: 1 })),
    },
  })), baseLayout({
    margin: { l: 10, r: 10, t: 8, b: 8 }, hovermode: false,
    annotations: values.flatMap((each, index) => {
      const x = (index + 0.5) / values.length;
      const size = Math.max(14, Math.min(34, width / 7, height / 4));
      return [
        { x, y: 0.2, xref: "paper", yref: "paper", showarrow: false, text: `<b>${format(each.value, unit, decimals)}</b>`, font: { size, color: byThreshold(thresholds, each.value) } },
        { x, y: 0, xref: "paper", yref: "paper", showarrow: false, text: each.name, font: { size: 12, color: css("--text-2") } },
      ];
    }),
  }), CONFIG);
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", values.map((each) => `${each.name} ${format(each.value, unit, decimals)}`).join(", "));
  return true;
}
