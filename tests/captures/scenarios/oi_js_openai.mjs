/* {
  "PACKAGE": "@arizeai/openinference-instrumentation-openai",
  "REQUIRES": ["@arizeai/openinference-instrumentation-openai", "openai", "@opentelemetry/instrumentation",
               "@opentelemetry/sdk-trace-node", "@opentelemetry/exporter-trace-otlp-proto"]
} */
import { OpenAIInstrumentation } from "@arizeai/openinference-instrumentation-openai";
import OpenAI from "openai";
import { KEY, LONG, provider, QUESTION, scenario, SIMULATOR } from "./harness.mjs";

const instrumentation = new OpenAIInstrumentation();
instrumentation.setTracerProvider(provider);
instrumentation.manuallyInstrument(OpenAI);
const client = new OpenAI({ baseURL: `${SIMULATOR}/v1`, apiKey: KEY, maxRetries: 0 });
const messages = [{ role: "user", content: QUESTION }];

await scenario("chat", () => client.chat.completions.create({ model: "gpt-4o-mini", messages }));
await scenario("cached_reasoning", async () => {
  const long = [{ role: "system", content: LONG }, ...messages];
  for (let run = 0; run < 2; run++) await client.chat.completions.create({ model: "o4-mini", messages: long });
});
for (const [name, more] of [["stream_without_usage", {}], ["stream_with_usage", { stream_options: { include_usage: true } }]]) {
  await scenario(name, async () => {
    const stream = await client.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true, ...more });
    for await (const _ of stream);
  });
}
await scenario("responses", () => client.responses.create({ model: "o4-mini", input: QUESTION }));
await scenario("embeddings", () => client.embeddings.create({ model: "text-embedding-3-small", input: ["a b", "c"], dimensions: 16 }));
await scenario("rate_limit_429", () => client.chat.completions.create({ model: "gpt-4o-mini", messages }), "rate_limit_exceeded");
