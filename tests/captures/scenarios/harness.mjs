// What the scripts for Node share; see harness.py. Runs in a folder with the recorded package in node_modules.
import { resourceFromAttributes } from "@opentelemetry/resources";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

export const SIMULATOR = process.env.CAPTURE_SIMULATOR;
const SINK = process.env.CAPTURE_SINK;
export const KEY = "sk-demo-capture";
export const QUESTION = "How warm is it in Paris today?";
export const LONG = "Be brief" + ".".repeat(1200);
export const facts = {};

export const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${SINK}/v1/traces` }))],
});
provider.register();

async function post(url, body) {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
}

export function getWeather(city) {
  facts.tools = (facts.tools ?? 0) + 1;
  return `It is warm in ${city ?? "Paris"} today: 22 degrees.`;
}

// With a fault (a kind of the simulator's errors) every call inside fails, and `run` must throw.
export async function scenario(name, run, fault = undefined) {
  for (const key of Object.keys(facts)) delete facts[key];
  await post(`${SIMULATOR}/admin/faults`, fault ? { error_ratio: 1.0, kind: fault } : { error_ratio: 0.0 });
  await post(`${SINK}/scenario/begin`, { name });
  let thrown;
  try {
    await run();
  } catch (error) {
    thrown = error;
  }
  await provider.forceFlush();
  await post(`${SINK}/scenario/end`, { facts });
  if (thrown && !fault) throw thrown;
  if (fault && !thrown) throw new Error(`${name}: no exception came although every call failed`);
}
