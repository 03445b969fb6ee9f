// Template variables: values from the URL, options from Prometheus, replacement in queries and links.

import { labelValues } from "./data.js";

const PATTERN = /\$(?:\{(\w+)(?:[.:]([^}]+))?\}|(\w+))/g;
const SPECIAL = /[\\^$*+?.()|[\]{}/]/g;
export const ALL = "$__all";

/** Values by variable name; always arrays. */
export function initial(dashboard, parameters) {
  const values = {};
  for (const variable of dashboard.templating.list) {
    const asked = parameters.getAll(`var-${variable.name}`).filter((value) => value !== "").map((value) => (value === "All" ? ALL : value));
    const current = [variable.current?.value ?? variable.query ?? ""].flat();
    values[variable.name] = asked.length ? asked : current;
  }
  return values;
}

/** Text for a query: several values become a regular expression, as Grafana's Prometheus source does it. */
function asQuery(variable, chosen) {
  if (chosen.includes(ALL)) return variable?.allValue ?? `(${optionsOf(variable).map(escaped).join("|")})`;
  if (!variable?.multi && !variable?.includeAll) return chosen[0] ?? "";
  return chosen.length === 1 ? escaped(chosen[0]) : `(${chosen.map(escaped).join("|")})`;
}

const optionsOf = (variable) => (variable?.options ?? []).map((option) => option.value).filter((value) => value !== ALL);
const escaped = (value) => value.replace(SPECIAL, "\\\\$&");

/** Replace $name, ${name} and ${name:format}; an unknown name stays and Prometheus complains about it visibly. */
export function interpolate(text, dashboard, values, macros = {}) {
  return text.replace(PATTERN, (found, braced, format, plain) => {
    const name = braced ?? plain;
    if (name in macros) return macros[name];
    const variable = dashboard.templating.list.find((each) => each.name === name);
    if (!variable) return found;
    if (variable.type === "interval" && values[name][0] === "auto") return macros.__interval;
    if (format === "raw" || format === "text") return values[name].join(",");
    if (format === "queryparam") return queryParameters([variable], values);
    return asQuery(variable, values[name]);
  });
}

/** var-service=a&var-service=b of what differs from the default. */
export function queryParameters(variables, values) {
  const parameters = new URLSearchParams();
  for (const variable of variables) {
    if (variable.type === "constant" || variable.hide === 2) continue;
    const standard = [variable.current?.value ?? ""].flat();
    if (JSON.stringify(standard) === JSON.stringify(values[variable.name])) continue;
    for (const value of values[variable.name]) parameters.append(`var-${variable.name}`, value);
  }
  return parameters.toString();
}

/** Options of a variable, in its order: [{text, value}]. Throws when Prometheus does not answer. */
export async function load(variable, dashboard, values, range, signal) {
  if (variable.type === "custom") {
    return variable.query.split(",").map((entry) => {
      const [text, value] = entry.split(" : ");
      return { text: text.trim(), value: (value ?? text).trim() };
    });
  }
  if (variable.type === "interval") {
    const listed = variable.query.split(",").map((value) => ({ text: value.trim(), value: value.trim() }));
    return variable.auto ? [{ text: "auto", value: "auto" }, ...listed] : listed;
  }
  if (variable.type !== "query") return [];
  const query = typeof variable.query === "string" ? variable.query : variable.query.query;
  const found = /^label_values\((?:(.+),\s*)?(\w+)\)$/.exec(query.trim());
  if (!found) throw new Error(`${variable.name}: the preview knows label_values(...), not ${query}`);
  const selector = found[1] && interpolate(found[1], dashboard, values);
  let names = await labelValues(found[2], selector, range, signal);
  if (variable.regex) {
    const pattern = new RegExp(variable.regex.replace(/^\/|\/$/g, ""));
    names = names.map((name) => pattern.exec(name)).filter(Boolean).map((match) => match[1] ?? match[0]);
  }
  if (variable.sort === 2) names.reverse();
  return names.map((name) => ({ text: name, value: name }));
}
