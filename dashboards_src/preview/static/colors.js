// Grafana's colour names, thresholds, and one colour per name.

const HUES = {
  green: "#73bf69", yellow: "#fade2a", orange: "#ff9830", red: "#f2495c", blue: "#5794f2", purple: "#b877d9",
  "dark-green": "#37872d", "dark-yellow": "#e0b400", "dark-orange": "#fa6400", "dark-red": "#c4162a",
  "dark-blue": "#3274d9", "dark-purple": "#a352cc", "light-blue": "#8ab8ff", "super-light-blue": "#c0d8ff",
  "super-light-red": "#ffa6b0", "super-light-green": "#c8f2c2", transparent: "transparent",
};
const LIGHT = {
  green: "#3d9a35", yellow: "#c99700", orange: "#e0690b", red: "#d3213a", "super-light-blue": "#7aa9f0",
  "super-light-red": "#f0798a", "dark-blue": "#1f60c4", "dark-purple": "#8f3bb8",
};
// No red and no green: those are verdicts.
const NAMES = [
  "#5794f2", "#ff9830", "#b877d9", "#2fb5b5", "#e88bc4", "#e0b400", "#8ab8ff", "#d68a5c", "#7c83fd", "#9fb8ad", "#c9a0ff", "#5fc9e8",
];
const taken = new Map();

export const isLight = () => document.documentElement.dataset.theme === "light";
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function color(name) {
  if (name === "text") return css("--text-2");
  return (isLight() && LIGHT[name]) || HUES[name] || name;
}

/** The same name has the same colour on every panel; two names share one only when all are used. */
export function byName(name) {
  if (!taken.has(name)) {
    let hash = 0;
    for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
    const used = new Set(taken.values());
    let index = hash % NAMES.length;
    for (let tried = 0; tried < NAMES.length && used.has(NAMES[index]); tried += 1) index = (index + 1) % NAMES.length;
    taken.set(name, NAMES[index]);
  }
  return taken.get(name);
}

/** Colours of the names that stand on one panel: those of byName, but never one twice while there are others. */
export function assign(names) {
  const chosen = new Map();
  const used = new Set();
  for (const name of names) {
    const own = byName(name);
    const free = used.has(own) ? NAMES.find((hue) => !used.has(hue)) ?? own : own;
    chosen.set(name, free);
    used.add(free);
  }
  return chosen;
}

/** Colour of a value by Grafana thresholds (ascending, the first step's value is null). */
export function byThreshold(thresholds, value) {
  let chosen = thresholds?.steps?.[0]?.color ?? "green";
  for (const step of thresholds?.steps ?? []) if (step.value == null || value >= step.value) chosen = step.color;
  return color(chosen);
}

/** Options of one series or column: the panel's defaults with the overrides that match its name. */
export function fieldOptions(panel, name) {
  const options = { ...panel.fieldConfig.defaults, custom: { ...panel.fieldConfig.defaults.custom } };
  for (const override of panel.fieldConfig.overrides ?? []) {
    const { id, options: wanted } = override.matcher;
    const matches = id === "byName" ? wanted === name : id === "byRegexp" ? new RegExp(wanted.replace(/^\/|\/$/g, "")).test(name) : false;
    if (!matches) continue;
    for (const { id: key, value } of override.properties) {
      if (key.startsWith("custom.")) options.custom[key.slice(7)] = value;
      else options[key] = value;
    }
  }
  return options;
}

export function seriesColor(panel, name, value, palette = null) {
  const options = fieldOptions(panel, name);
  switch (options.color?.mode) {
    case "fixed": return color(options.color.fixedColor);
    case "thresholds": return byThreshold(options.thresholds, value);
    default: return palette?.get(name) ?? byName(name);
  }
}

export function alpha(hex, opacity) {
  const value = Number.parseInt(hex.slice(1), 16);
  return `rgba(${(value >> 16) & 255},${(value >> 8) & 255},${value & 255},${opacity})`;
}
