// Numbers as Grafana writes them: unit ids are Grafana's.

const SI = ["", " K", " Mil", " Bil", " Tri"];
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SECONDS = [
  [1e-6, "ns", 1e9], [1e-3, "µs", 1e6], [1, "ms", 1e3], [60, "s", 1], [3600, "min", 1 / 60], [86400, "h", 1 / 3600],
  [Infinity, "d", 1 / 86400],
];

/** Decimals that show about three significant digits of a value of this size. */
function automatic(value) {
  const size = Math.abs(value);
  if (size === 0 || size >= 100) return 0;
  if (size >= 10) return 1;
  if (size >= 1) return 2;
  return Math.min(6, 2 - Math.floor(Math.log10(size)));
}

function fixed(value, decimals, trim) {
  const text = value.toFixed(decimals ?? automatic(value));
  return trim && text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function scaled(value, base, names, decimals, gap = "") {
  let index = 0;
  while (Math.abs(value) >= base && index < names.length - 1) {
    value /= base;
    index += 1;
  }
  return [fixed(value, index === 0 && Number.isInteger(value) && decimals == null ? 0 : decimals, decimals == null), gap + names[index]];
}

function seconds(value, decimals) {
  const size = Math.abs(value);
  if (size === 0) return ["0", " s"];
  const [, name, factor] = SECONDS.find(([limit]) => size < limit);
  return [fixed(value * factor, decimals, decimals == null), ` ${name}`];
}

const FORMATS = {
  none: (value, decimals) => [fixed(value, decimals, decimals == null), ""],
  locale: (value, decimals) => [value.toLocaleString("en-US", { maximumFractionDigits: decimals ?? automatic(value), minimumFractionDigits: decimals ?? 0 }), ""],
  short: (value, decimals) => scaled(value, 1000, SI, decimals),
  sci: (value, decimals) => [value.toExponential(decimals ?? 2), ""],
  percentunit: (value, decimals) => [fixed(value * 100, decimals, decimals == null), "%"],
  percent: (value, decimals) => [fixed(value, decimals, decimals == null), "%"],
  s: seconds,
  ms: (value, decimals) => seconds(value / 1000, decimals),
  bytes: (value, decimals) => scaled(value, 1024, BYTES, decimals, " "),
  ops: (value, decimals) => { const [text, unit] = scaled(value, 1000, SI, decimals); return [text, `${unit} /s`]; },
  reqps: (value, decimals) => { const [text, unit] = scaled(value, 1000, SI, decimals); return [text, `${unit} req/s`]; },
};

/** [number, unit] of a value: parts(0.25, "percentunit") is ["25", "%"]. */
export function parts(value, unit = "none", decimals = null) {
  if (unit.startsWith("suffix:") && Number.isFinite(value)) {
    const [text, scale] = FORMATS.short(value, decimals);
    return [text, scale + unit.slice(7)];
  }
  if (value == null || Number.isNaN(value)) return ["–", ""];
  if (!Number.isFinite(value)) return [value > 0 ? "∞" : "-∞", ""];
  if (unit === "currencyUSD") {
    const [text, suffix] = scaled(Math.abs(value), 1000, ["", "K", "Mil", "Bil"], decimals ?? (Math.abs(value) >= 0.01 ? 2 : null));
    return [`${value < 0 ? "-" : ""}$${text}`, suffix ? ` ${suffix}` : ""];
  }
  return (FORMATS[unit] ?? FORMATS.short)(value, decimals);
}

export function format(value, unit, decimals) {
  return parts(value, unit, decimals).join("");
}

/** At most `count` round values from min to max, for an axis. */
export function ticks(min, max, count, unit) {
  const span = max - min || 1;
  const base = unit === "bytes" ? 2 : 10;
  const rough = span / Math.max(1, count);
  const magnitude = base ** Math.floor(Math.log(rough) / Math.log(base));
  const factors = base === 2 ? [1, 2] : [1, 2, 2.5, 5, 10];
  let step = magnitude * (factors.find((factor) => factor * magnitude >= rough * 0.999) ?? base);
  if (unit === "s" && step > 2) step = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800].find((nice) => nice >= rough) ?? step;
  const values = [];
  for (let value = Math.ceil(min / step) * step; value <= max + step * 1e-9; value += step) values.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return values;
}

export function duration(milliseconds) {
  return format(milliseconds / 1000, "s");
}
