// One trace as a waterfall, its logs, and the way to Phoenix; and the list of recent traces.

import { byName } from "./colors.js";
import { get, logLines } from "./data.js";
import { clear, h, icon } from "./dom.js";
import { LOOKBACKS } from "./links.js";
import { logRows } from "./panels.js";
import { ago, local } from "./time.js";
import { duration, format, ticks } from "./units.js";

const tagOf = (span, key) => span.tags.find((tag) => tag.key === key)?.value;
const isError = (span) => tagOf(span, "error") === true || tagOf(span, "error") === "true" || tagOf(span, "otel.status_code") === "ERROR";
/** What a reader of an LLM trace looks for first. */
const FIRST = /^(gen_ai|llm|openinference|input|output|error|exception|http|otel\.status)/;

/** Spans in the order of a depth-first walk: [{span, depth, service, children}]. Orphans count as roots. */
export function arrange(trace) {
  const byId = new Map(trace.spans.map((span) => [span.spanID, { span, service: trace.processes[span.processID]?.serviceName ?? "?", children: [] }]));
  const roots = [];
  for (const node of byId.values()) {
    const parent = node.span.references?.find((reference) => reference.refType === "CHILD_OF" && byId.has(reference.spanID));
    (parent ? byId.get(parent.spanID).children : roots).push(node);
  }
  const ordered = [];
  const walk = (nodes, depth) => nodes.sort((a, b) => a.span.startTime - b.span.startTime).forEach((node) => {
    ordered.push({ ...node, depth });
    walk(node.children, depth + 1);
  });
  walk(roots, 0);
  return ordered;
}

function attributes(pairs) {
  const sorted = pairs.toSorted((a, b) => FIRST.test(b.key) - FIRST.test(a.key) || a.key.localeCompare(b.key));
  return h("dl", { class: "fields" }, sorted.map(({ key, value }) => [h("dt", {}, key), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
}

function spanRow({ span, depth, service, children }, start, total) {
  const failed = isError(span);
  const hue = byName(service);
  const left = ((span.startTime - start) / total) * 100, width = Math.max(0.15, (span.duration / total) * 100);
  const model = tagOf(span, "gen_ai.response.model") ?? tagOf(span, "gen_ai.request.model") ?? tagOf(span, "llm.model_name");
  return h("details", { class: failed ? "span failed" : "span", dataset: { spanId: span.spanID } },
    h("summary", {},
      h("span", { class: "span-name", style: { "padding-left": `${depth * 16}px` } },
        h("span", { class: "swatch", style: { background: hue } }), h("span", { class: "span-service" }, service), h("span", { class: "span-operation", title: span.operationName }, span.operationName),
        failed ? h("span", { class: "badge bad" }, "error") : null),
      h("span", { class: "span-track" },
        h("span", { class: "span-bar", style: { left: `${left}%`, width: `${width}%`, background: failed ? "var(--bad)" : hue } })),
      h("span", { class: "number muted" }, duration(span.duration / 1000))),
    h("div", { class: "span-details" },
      h("p", { class: "span-facts" }, [["Span", span.spanID], ["Starts after", duration((span.startTime - start) / 1000)], ["Children", String(children.length)], ["Model", model]]
        .filter(([, value]) => value).map(([name, value]) => h("span", {}, h("b", {}, name), ` ${value}`))),
      attributes(span.tags),
      span.logs?.length ? [h("h4", {}, "Events"), span.logs.map((event) => h("div", { class: "span-event" }, h("b", {}, `+${duration((event.timestamp - span.startTime) / 1000)}`), attributes(event.fields)))] : null));
}

async function traceLogs(id, spans, target) {
  const from = Math.min(...spans.map((span) => span.startTime)) / 1e6 - 300;
  const to = Math.max(...spans.map((span) => span.startTime + span.duration)) / 1e6 + 300;
  const heading = h("h2", {}, "Logs of this trace");
  try {
    const lines = await logLines(`{service_name=~".+"} | trace_id="${id}"`, { from, to }, 500);
    clear(target, heading, lines.length ? h("div", { class: "logs" }, logRows(lines.reverse(), { traceId: id })) : h("p", { class: "nothing" }, "No log line carries this trace id."));
    target.dataset.state = lines.length ? "drawn" : "nodata";
  } catch (error) {
    clear(target, heading, h("div", { class: "failure", role: "alert" }, h("p", {}, error.message)));
    target.dataset.state = "error";
  }
}

export async function tracePage(id, config, main) {
  document.title = `Trace ${id.slice(0, 8)} · AI Observability`;
  const page = h("div", { class: "trace", dataset: { state: "loading" } }, h("div", { class: "waiting" }));
  clear(main, page);
  try {
    if (!/^[0-9a-f]{1,32}$/i.test(id)) throw new Error(`${id} is no trace id`);
    const { data } = await get(`jaeger/api/traces/${id.toLowerCase()}`);
    if (!data?.length) throw new Error("Jaeger does not know this trace; it may be too new or too old.");
    const spans = arrange(data[0]);
    const all = spans.map(({ span }) => span);
    const start = Math.min(...all.map((span) => span.startTime)), end = Math.max(...all.map((span) => span.startTime + span.duration));
    const total = Math.max(1, end - start);
    const services = [...new Set(spans.map(({ service }) => service))];
    const failed = all.filter(isError).length;
    const tokens = all.reduce((sum, span) => sum + (Number(tagOf(span, "gen_ai.usage.input_tokens")) || 0) + (Number(tagOf(span, "gen_ai.usage.output_tokens")) || 0), 0);
    const logs = h("section", { class: "trace-logs panel", dataset: { state: "loading" } }, h("div", { class: "waiting" }));
    clear(page,
      h("header", { class: "trace-head" },
        h("h1", {}, h("span", {}, spans[0].service), " ", spans[0].span.operationName),
        h("p", { class: "trace-facts" },
          [["Trace", id], ["Began", local(start / 1000).slice(0, 19)], ["Duration", duration(total / 1000)], ["Spans", String(all.length)], ["Services", String(services.length)],
            ["Errors", String(failed)], ...(tokens ? [["Tokens", format(tokens, "short")]] : [])].map(([name, value]) => h("span", { class: name === "Errors" && failed ? "bad-text" : null }, h("b", {}, name), ` ${value}`))),
        config.links.phoenix_url ? h("a", { class: "button", href: `${config.links.phoenix_url}/redirects/traces/${id}`, target: "_blank", rel: "noreferrer" }, "Open in Phoenix", icon("out")) : null),
      h("section", { class: "panel waterfall", "aria-label": "Spans" },
        h("div", { class: "ruler", "aria-hidden": "true" }, h("span", { class: "span-name" }, services.map((name) => h("span", { class: "service" }, h("span", { class: "swatch", style: { background: byName(name) } }), name))),
          h("span", { class: "span-track" }, ticks(0, total / 1e6, 5, "s").filter((value) => value < total / 1e6).map((value) => h("span", { class: "mark", style: { left: `${((value * 1e6) / total) * 100}%` } }, format(value, "s"))))),
        spans.map((node) => spanRow(node, start, total))),
      logs);
    page.dataset.state = "drawn";
    await traceLogs(id.toLowerCase(), all, logs);
  } catch (error) {
    clear(page, h("div", { class: "failure", role: "alert" }, h("p", {}, error.message)));
    page.dataset.state = "error";
  }
}

export async function tracesPage(main) {
  document.title = "Traces · AI Observability";
  const parameters = new URLSearchParams(location.search);
  const chosen = { service: parameters.get("service") ?? "", lookback: parameters.get("lookback") ?? "1h", errors: parameters.get("errors") === "1", slow: parameters.get("min") ?? "" };
  const results = h("section", { class: "panel trace-list", dataset: { state: "loading" } });
  const bar = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Search traces" });
  clear(main, bar, results);
  const go = (change) => {
    const next = { ...chosen, ...change };
    const search = new URLSearchParams({ service: next.service, lookback: next.lookback, ...(next.errors ? { errors: "1" } : {}), ...(next.slow ? { min: next.slow } : {}) });
    history.pushState(null, "", `/traces?${search}`);
    tracesPage(main);
  };
  try {
    const services = ((await get("jaeger/api/services")).data ?? []).sort();
    const select = (label, value, options, name) => h("label", { class: "variable" }, h("span", {}, label), h("select", { onchange: (event) => go({ [name]: event.target.value }) },
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
    clear(bar, select("Service", chosen.service, [["", "All"], ...services.map((name) => [name, name])], "service"), select("Within", chosen.lookback, LOOKBACKS.map(([name]) => [name, `Last ${name}`]), "lookback"),
      select("Longer than", chosen.slow, [["", "any"], ["1s", "1 s"], ["5s", "5 s"], ["30s", "30 s"]], "slow"),
      h("label", { class: "choice inline" }, h("input", { type: "checkbox", checked: chosen.errors, onchange: (event) => go({ errors: event.target.checked }) }), h("span", {}, "Only with errors")));
    const to = Date.now() * 1000, from = to - (LOOKBACKS.find(([name]) => name === chosen.lookback) ?? LOOKBACKS[1])[1] * 1000;
    const wanted = chosen.service ? [chosen.service] : services;
    const answers = await Promise.all(wanted.map((service) => get("jaeger/api/traces", {
      service, start: from, end: to, limit: 50, ...(chosen.errors ? { tags: '{"error":"true"}' } : {}), ...(chosen.slow ? { minDuration: chosen.slow } : {}),
    })));
    const traces = [...new Map(answers.flatMap((answer) => answer.data ?? []).map((trace) => [trace.traceID, trace])).values()].map((trace) => {
      const spans = arrange(trace);
      const start = Math.min(...trace.spans.map((span) => span.startTime)), end = Math.max(...trace.spans.map((span) => span.startTime + span.duration));
      return { id: trace.traceID, root: spans[0], count: trace.spans.length, errors: trace.spans.filter(isError).length, start, length: end - start };
    }).sort((a, b) => b.start - a.start).slice(0, 100);
    const longest = Math.max(1, ...traces.map((trace) => trace.length));
    clear(results, traces.length ? h("table", { class: "data" },
      h("thead", {}, h("tr", {}, ["Began", "Service", "Operation", "Spans", "Errors", "Duration"].map((name, index) => h("th", { scope: "col", class: index > 2 ? "number" : null }, name)))),
      h("tbody", {}, traces.map((trace) => h("tr", {},
        h("td", { title: local(trace.start / 1000) }, ago(trace.start / 1000)), h("td", {}, h("span", { class: "swatch", style: { background: byName(trace.root.service) } }), trace.root.service),
        h("td", {}, h("a", { href: `/trace/${trace.id}` }, trace.root.span.operationName)), h("td", { class: "number" }, String(trace.count)),
        h("td", { class: trace.errors ? "number bad-text strong" : "number muted" }, String(trace.errors)),
        h("td", { class: "number" }, h("span", { class: "cell-gauge" }, h("span", { class: "bar-track" }, h("span", { class: "bar-fill", style: { width: `${(trace.length / longest) * 100}%`, background: trace.errors ? "var(--bad)" : "var(--accent)" } })), h("span", {}, duration(trace.length / 1000))))))))
      : h("p", { class: "nothing" }, "No trace in this time range."));
    results.dataset.state = traces.length ? "drawn" : "nodata";
  } catch (error) {
    clear(results, h("div", { class: "failure", role: "alert" }, h("p", {}, error.message)));
    results.dataset.state = "error";
  }
}
