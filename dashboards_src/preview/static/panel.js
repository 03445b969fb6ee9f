// One panel: its frame, its queries, and what its body shows: a drawing, nothing, or what went wrong.

import * as charts from "./charts.js";
import { alerts, exemplars, frames, logLines, QueryError, series, transform } from "./data.js";
import { clear, h, icon } from "./dom.js";
import * as elements from "./panels.js";
import { macros, resolve } from "./time.js";
import { interpolate } from "./variables.js";

/** Every drawer takes (body, panel, data, context) and returns false when there is nothing to draw. */
const DRAWERS = {
  timeseries: charts.timeseries, heatmap: charts.heatmap, piechart: charts.piechart, barchart: charts.barchart, gauge: charts.gauge,
  stat: elements.stat, bargauge: elements.bargauge, table: elements.table, "state-timeline": elements.stateTimeline,
  "status-history": elements.stateTimeline, logs: elements.logs, alertlist: elements.alertlist, text: elements.text,
};

export class PanelView {
  constructor(panel, dashboard, context) {
    this.panel = panel;
    this.dashboard = dashboard;
    this.context = { ...context, state: {} };
    this.data = null;
    this.body = h("div", { class: "panel-body" });
    this.queries = h("div", { class: "info-queries" });
    const title = `title-${panel.id}`;
    this.element = h("section", {
      class: `panel type-${panel.type}${panel.gridPos.x + panel.gridPos.w / 2 > 12 ? " right" : ""}`, "aria-labelledby": title,
      dataset: { panelId: panel.id, panelType: panel.type, state: "loading" },
      style: { "--x": panel.gridPos.x + 1, "--w": panel.gridPos.w, "--h": panel.gridPos.h },
    },
    h("header", { class: "panel-head" },
      h("h3", { id: title }, panel.title),
      h("button", { type: "button", class: "plain panel-info", "aria-label": `About ${panel.title}`, "aria-describedby": `info-${panel.id}` }, icon("info")),
      h("div", { class: "info", id: `info-${panel.id}`, role: "tooltip" }, h("p", {}, panel.description ?? ""), this.queries),
      h("span", { class: "panel-space" }),
      h("button", { type: "button", class: "plain panel-expand", "aria-label": `Show ${panel.title} alone`, title: "Show alone (Escape returns)", onclick: () => context.expand(panel.id) }, icon("expand"))),
    this.body);
    clear(this.body, h("div", { class: "waiting", "aria-label": "Loading" }));
  }

  set state(value) {
    this.element.dataset.state = value;
    this.element.setAttribute("aria-busy", String(value === "loading"));
  }

  /** Ask the backends and draw. A newer call makes an older one void. */
  async refresh(timeRange, values, events) {
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    this.element.classList.add("busy");
    try {
      const range = resolve(timeRange, this.body.clientWidth || 600);
      const data = await this.load(range, values, events, signal);
      if (signal.aborted) return;
      this.data = data;
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) this.fail(error);
    } finally {
      if (!signal.aborted) this.element.classList.remove("busy");
    }
  }

  async load(range, values, events, signal) {
    const { panel, dashboard } = this;
    const targets = (panel.targets ?? []).filter((target) => !target.hide).map((target) => ({ ...target, query: interpolate(target.expr, dashboard, values, macros(range)) }));
    clear(this.queries, targets.map((target) => h("code", {}, target.query)));
    if (panel.type === "alertlist") return { range, alerts: await alerts(panel.options, signal) };
    if (panel.type === "logs") {
      const lines = await Promise.all(targets.map((target) => logLines(target.query, range, target.maxLines ?? 100, signal)));
      return { range, lines: lines.flat() };
    }
    const results = await Promise.all(targets.map(async (target) => ({ target, series: await series(target, target.query, range, signal) })));
    const all = results.flatMap((result) => result.series).filter((each) => each.values.some((value) => value != null));
    const data = { range, all, exemplars: [], events: [] };
    if (targets.some((target) => target.format === "table")) data.frame = transform(frames(results), panel.transformations);
    if (all.length && ["timeseries", "heatmap"].includes(panel.type)) {
      const calls = await Promise.all(targets.filter((target) => target.exemplar).map((target) => exemplars(target.query, range, signal)));
      data.exemplars = calls.flat();
      // Marks are an extra: without them the panel is still true, and the alert list says what is wrong.
      data.events = await events.catch((error) => { console.warn("no alert marks:", error.message); return []; });
    }
    return data;
  }

  /** Draw what was loaded last, at the present size and theme. */
  draw() {
    const { panel, data } = this;
    if (!data) return;
    try {
      const drawer = DRAWERS[panel.type];
      if (!drawer) throw new Error(`The preview cannot draw panels of type ${panel.type}`);
      const empty = data.all && !data.frame && data.all.length === 0 && panel.type !== "text";
      const drawn = !empty && drawer(this.body, panel, data, this.context) !== false;
      if (!drawn) clear(this.body, h("p", { class: "nothing" }, panel.fieldConfig?.defaults?.noValue ?? "No data"));
      this.state = drawn ? "drawn" : "nodata";
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    this.data = null;
    if (!(error instanceof QueryError)) console.error(`panel ${this.panel.id}:`, error);
    clear(this.body, h("div", { class: "failure", role: "alert" }, h("p", {}, error.message), error.query ? h("pre", {}, error.query) : null));
    this.state = "error";
  }
}

