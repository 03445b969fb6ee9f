// A dashboard: toolbar, grid, refresh. What the reader chose is in the URL, in Grafana's own words.

import { refreshControl, timePicker, variablePicker } from "./controls.js";
import { events } from "./data.js";
import { clear, h, icon } from "./dom.js";
import { address } from "./links.js";
import { PanelView } from "./panel.js";
import { macros, moment, resolve } from "./time.js";
import { initial, interpolate, load, queryParameters } from "./variables.js";

const SECONDS = { s: 1, m: 60, h: 3600 };
const toSeconds = (text) => Number.parseInt(text, 10) * (SECONDS[text.at(-1)] ?? 1);

export class DashboardPage {
  constructor(dashboard, config, main) {
    this.dashboard = dashboard;
    this.config = config;
    this.options = {};
    this.problems = {};
    this.readUrl();
    this.toolbar = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Filters and time" });
    this.grid = h("div", { class: "grid" });
    clear(main, this.toolbar, this.grid);
    document.title = `${dashboard.title} · AI Observability`;
    this.context = {
      openTrace: (id) => { location.href = `/trace/${id}`; },
      zoom: (from, to) => this.setTime({ from: String(Math.round(from)), to: String(Math.round(to)) }),
      expand: (id) => this.expand(this.alone === id ? null : id),
      link: (url, row) => address(url, dashboard, this.values, this.range, row),
    };
    this.build();
    this.controller = new AbortController();
    const { signal } = this.controller;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.grid);
    addEventListener("themechange", () => this.redraw(), { signal });
    addEventListener("popstate", () => { this.readUrl(); this.refresh(); }, { signal });
    addEventListener("keydown", (event) => { if (event.key === "Escape" && this.alone) this.expand(null); }, { signal });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.missed) this.refresh(); }, { signal });
    this.tools();
    this.schedule();
    this.refresh();
  }

  readUrl() {
    const parameters = new URLSearchParams(location.search);
    this.range = { from: parameters.get("from") ?? this.dashboard.time.from, to: parameters.get("to") ?? this.dashboard.time.to };
    try {
      moment(this.range.from);
      moment(this.range.to);
    } catch {
      this.range = { ...this.dashboard.time };
    }
    this.interval = parameters.get("refresh") ?? this.dashboard.refresh ?? "";
    this.values = initial(this.dashboard, parameters);
    this.alone = Number(parameters.get("viewPanel")) || null;
  }

  /** Search part of the URL that stands for what is shown; also for links to other dashboards. */
  search(withPanel = true) {
    const parameters = new URLSearchParams(queryParameters(this.dashboard.templating.list, this.values));
    if (this.range.from !== this.dashboard.time.from || this.range.to !== this.dashboard.time.to) {
      parameters.set("from", this.range.from);
      parameters.set("to", this.range.to);
    }
    if (this.interval !== (this.dashboard.refresh ?? "")) parameters.set("refresh", this.interval);
    if (withPanel && this.alone) parameters.set("viewPanel", this.alone);
    const text = parameters.toString();
    return text ? `?${text}` : "";
  }

  remember() {
    history.pushState(null, "", location.pathname + this.search());
    this.config.onchange(this.search(false));
  }

  setTime(range) {
    this.range = range;
    this.remember();
    this.tools();
    this.refresh();
  }

  tools() {
    const variables = this.dashboard.templating.list.filter((variable) => variable.hide !== 2 && variable.type !== "constant");
    const open = this.toolbar.querySelector("details[open]")?.dataset.variable;
    clear(this.toolbar,
      variables.map((variable) => variablePicker(variable, this.values[variable.name], this.options[variable.name] ?? [], this.problems[variable.name], (values) => {
        this.values[variable.name] = values;
        this.remember();
        this.tools();
        this.refresh();
      })),
      h("span", { class: "panel-space" }),
      timePicker(this.range, (range) => this.setTime(range)),
      refreshControl(this.interval, () => this.refresh(), (interval) => {
        this.interval = interval;
        this.remember();
        this.schedule();
      }));
    if (open) {
      const details = this.toolbar.querySelector(`details[data-variable="${open}"]`);
      if (details) details.open = true;
    }
  }

  build() {
    this.views = [];
    this.rows = [];
    let row = null;
    for (const panel of this.dashboard.panels) {
      if (panel.type === "row") {
        const own = { panel, collapsed: panel.collapsed };
        own.button = h("button", { type: "button", class: "row-title", "aria-expanded": String(!own.collapsed), onclick: () => this.collapse(own) }, icon("chevron"), h("h2", {}, panel.title));
        row = own;
        this.rows.push(row);
        row.element = h("div", { class: "row", style: { "--x": 1, "--w": 24, "--h": 1 } }, row.button);
        this.grid.append(row.element);
        for (const member of panel.panels ?? []) this.place(member, row);
      } else this.place(panel, row);
    }
    this.arrange();
  }

  place(panel, row) {
    const view = new PanelView(panel, this.dashboard, this.context);
    view.row = row;
    this.views.push(view);
    this.grid.append(view.element);
  }

  /** Grid rows: everything below a collapsed row moves up. */
  arrange() {
    let lifted = 0;
    const heights = new Map();
    for (const view of this.views) if (view.row) heights.set(view.row, Math.max(heights.get(view.row) ?? 0, view.panel.gridPos.y + view.panel.gridPos.h - view.row.panel.gridPos.y - 1));
    const lifts = new Map([[null, 0]]);
    for (const row of this.rows) {
      row.element.style.setProperty("--y", row.panel.gridPos.y + 1 - lifted);
      lifts.set(row, lifted);
      if (row.collapsed) lifted += heights.get(row) ?? 0;
    }
    for (const view of this.views) {
      view.element.hidden = Boolean(this.alone ? view.panel.id !== this.alone : view.row?.collapsed);
      view.element.style.setProperty("--y", view.panel.gridPos.y + 1 - (lifts.get(view.row) ?? 0));
    }
    for (const row of this.rows) row.element.hidden = Boolean(this.alone);
    this.grid.classList.toggle("alone", Boolean(this.alone));
  }

  collapse(row) {
    row.collapsed = !row.collapsed;
    row.button.setAttribute("aria-expanded", String(!row.collapsed));
    this.arrange();
    if (!row.collapsed) this.refresh();
  }

  expand(id) {
    this.alone = id;
    this.remember();
    this.arrange();
    this.refresh();
  }

  async refresh() {
    this.missed = false;
    this.started = Date.now();
    await this.loadVariables();
    let marks;
    try {
      marks = this.marks(resolve(this.range));
    } catch (error) {
      marks = Promise.reject(error);
    }
    marks.catch(() => {}); // each panel that wants them reports it
    const shown = this.views.filter((view) => !view.element.hidden);
    await Promise.all(shown.map((view) => view.refresh(this.range, this.values, marks)));
  }

  async loadVariables() {
    const before = JSON.stringify([this.options, this.problems]);
    for (const variable of this.dashboard.templating.list) { // in order: later ones depend on earlier ones
      if (variable.hide === 2 || !["query", "custom", "interval"].includes(variable.type)) continue;
      try {
        this.options[variable.name] = await load(variable, this.dashboard, this.values, resolve(this.range));
        delete this.problems[variable.name];
      } catch (error) {
        this.problems[variable.name] = error.message;
      }
    }
    if (before !== JSON.stringify([this.options, this.problems])) this.tools();
  }

  async marks(range) {
    const wanted = (this.dashboard.annotations?.list ?? []).filter((annotation) => annotation.enable && annotation.datasource?.type === "prometheus");
    const found = await Promise.all(wanted.map((annotation) => events(annotation, interpolate(annotation.target?.expr ?? annotation.expr, this.dashboard, this.values, macros(range)), range)));
    return found.flat();
  }

  schedule() {
    clearInterval(this.timer);
    if (!this.interval) return;
    this.timer = setInterval(() => {
      if (document.hidden) this.missed = true;
      else this.refresh();
    }, toSeconds(this.interval) * 1000);
  }

  redraw() {
    for (const view of this.views) if (!view.element.hidden) view.draw();
  }

  resized() {
    const width = this.grid.clientWidth;
    if (this.width !== undefined && width !== this.width) {
      clearTimeout(this.pending);
      this.pending = setTimeout(() => this.redraw(), 150);
    }
    this.width = width;
  }
}
