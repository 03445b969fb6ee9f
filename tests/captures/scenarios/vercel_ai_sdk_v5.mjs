/* {
  "PACKAGE": "ai",
  "REQUIRES": ["ai@5", "@ai-sdk/openai@2", "@ai-sdk/anthropic@2", "zod@3",
               "@opentelemetry/sdk-trace-node", "@opentelemetry/exporter-trace-otlp-proto"],
  "NOTES": ["experimental_telemetry: ai.generateText is the wrapper of ai.generateText.doGenerate."]
} */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { getWeather, KEY, LONG, QUESTION, scenario, SIMULATOR } from "./harness.mjs";

const openai = createOpenAI({ baseURL: `${SIMULATOR}/v1`, apiKey: KEY });
const anthropic = createAnthropic({ baseURL: `${SIMULATOR}/v1`, apiKey: KEY });
const told = { experimental_telemetry: { isEnabled: true, functionId: "capture" }, maxRetries: 0 };
const asked = { prompt: QUESTION, ...told };
const tools = {
  get_weather: tool({
    description: "Get the weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => getWeather(city),
  }),
};

await scenario("generate_text", () => generateText({ model: openai.chat("gpt-4o-mini"), ...asked }));
await scenario("cached_reasoning", async () => {
  for (let run = 0; run < 2; run++) await generateText({ model: openai.chat("o4-mini"), system: LONG, ...asked });
});
await scenario("responses", () => generateText({ model: openai.responses("o4-mini"), ...asked }));
await scenario("tool_loop", () =>
  generateText({ model: openai.chat("gpt-4o-mini"), tools, stopWhen: stepCountIs(3), ...asked }));
await scenario("stream_text", async () => {
  const result = streamText({ model: openai.chat("gpt-4o-mini"), ...asked });
  for await (const _ of result.textStream);
});
await scenario("anthropic_cache", async () => {
  const system = { role: "system", content: LONG, providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } } };
  for (let run = 0; run < 2; run++) {
    await generateText({
      model: anthropic("claude-sonnet-4-5"), messages: [system, { role: "user", content: QUESTION }], maxOutputTokens: 512, ...told,
    });
  }
});
await scenario("generate_object", () =>
  generateObject({ model: openai.chat("gpt-4o-mini"), schema: z.object({ city: z.string(), warm: z.boolean() }), ...asked }));
const embedding = openai.textEmbedding("text-embedding-3-small");
const small = { providerOptions: { openai: { dimensions: 16 } } };
await scenario("embed", () => embed({ model: embedding, value: "a b", ...small, ...told }));
await scenario("embed_many", () => embedMany({ model: embedding, values: ["a b", "c"], ...small, ...told }));
await scenario("rate_limit_429", () => generateText({ model: openai.chat("gpt-4o-mini"), ...asked }), "rate_limit_exceeded");
