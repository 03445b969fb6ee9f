// The toolbar: variables, time range, refresh.

import { clear, h, icon } from "./dom.js";
import { local, moment, PRESETS, rangeText } from "./time.js";
import { ALL } from "./variables.js";

export const INTERVALS = [["", "Off"], ["5s", "5 s"], ["10s", "10 s"], ["30s", "30 s"], ["1m", "1 min"], ["5m", "5 min"], ["15m", "15 min"]];

/** A <details> that closes on Escape and when the focus goes elsewhere. */
function dropdown(label, title, content, attributes = {}) {
  const details = h("details", { class: "picker", ...attributes }, h("summary", { title, "aria-label": title }, label, icon("chevron")), content);
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  return details;
}

document.addEventListener("pointerdown", (event) => {
  for (const open of document.querySelectorAll("details.picker[open]")) if (!open.contains(event.target)) open.open = false;
});

/** One variable; `change(values)` is called with the new values. A failed query is shown in place of the options. */
export function variablePicker(variable, values, options, error, change) {
  const label = variable.label || variable.name;
  if (variable.type === "textbox") {
    return h("label", { class: "variable" }, h("span", {}, label), h("input", { type: "text", value: values[0] ?? "", onchange: (event) => change([event.target.value]) }));
  }
  if (!variable.multi) {
    const listed = variable.includeAll ? [{ text: "All", value: ALL }, ...options] : options;
    return h("label", { class: "variable" }, h("span", {}, label), h("select", { onchange: (event) => change([event.target.value]), dataset: { variable: variable.name } },
      listed.map(({ text, value }) => h("option", { value, selected: values.includes(value) }, text))));
  }
  const all = values.includes(ALL);
  const shown = all ? "All" : values.length > 2 ? `${values.length} chosen` : values.join(", ");
  const known = [...new Set([...options.map(({ value }) => value), ...(all ? [] : values)])];
  const choose = (value, checked) => {
    const next = checked ? [...(all ? [] : values), value] : values.filter((each) => each !== value);
    change(next.length ? next : [ALL]);
  };
  const box = (value, text, checked, toggle) => h("label", { class: "choice" }, h("input", { type: "checkbox", checked, onchange: (event) => toggle(event.target.checked) }), h("span", {}, text));
  return dropdown([h("span", { class: "picker-label" }, label), h("span", { class: "picker-value" }, shown)], variable.description ?? label,
    h("div", { class: "menu", role: "group", "aria-label": label },
      error ? h("p", { class: "menu-error", role: "alert" }, error) : null,
      variable.includeAll ? box(ALL, "All", all, () => change([ALL])) : null,
      known.map((value) => box(value, value, !all && values.includes(value), (checked) => choose(value, checked))),
      known.length === 0 && !error ? h("p", { class: "menu-note" }, "Nothing seen in this time range") : null),
    { dataset: { variable: variable.name } });
}

export function timePicker(range, change) {
  const input = (value) => h("input", { type: "datetime-local", step: "1", value: local(moment(value)).slice(0, 19).replace(" ", "T"), required: true });
  const from = input(range.from), to = input(range.to);
  const note = h("p", { class: "menu-error", role: "alert" });
  const apply = (event) => {
    event.preventDefault();
    const chosen = { from: String(new Date(from.value).getTime()), to: String(new Date(to.value).getTime()) };
    if (!(Number(chosen.from) < Number(chosen.to))) clear(note, "The range ends before it begins.");
    else change(chosen);
  };
  return dropdown([icon("clock"), h("span", { class: "picker-value" }, rangeText(range))], "Time range", h("div", { class: "menu time-menu" },
    h("div", { class: "presets", role: "group", "aria-label": "Relative ranges" }, PRESETS.map(([value, text]) => h("button", {
      type: "button", "aria-pressed": String(range.from === value && range.to === "now"), onclick: () => change({ from: value, to: "now" }),
    }, text))),
    h("form", { onsubmit: apply }, h("label", {}, "From", from), h("label", {}, "To", to), note, h("button", { type: "submit", class: "primary" }, "Apply"))), { dataset: { control: "time" } });
}

export function refreshControl(interval, now, change) {
  const listed = INTERVALS.some(([value]) => value === interval) ? INTERVALS : [...INTERVALS, [interval, interval]];
  return h("div", { class: "refresh" },
    h("button", { type: "button", class: "plain", title: "Refresh now", "aria-label": "Refresh now", onclick: now }, icon("refresh")),
    h("select", { title: "Refresh automatically", "aria-label": "Refresh automatically", onchange: (event) => change(event.target.value) },
      listed.map(([value, text]) => h("option", { value, selected: value === interval }, text))));
}
