"""The simulator's other APIs over plain HTTP: whole and streamed answers, token counts as each provider tells them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.unit.demo.support import HTTP, ledger_of

QUESTION = "Paris is warm today. Rome is cold.\n\nQuestion: How warm is Paris today?"
LONG = "." * 1200
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BEARER = {"authorization": "Bearer sk-demo-tests"}
ANTHROPIC = {"x-api-key": "sk-demo-tests"}
GOOGLE = {"x-goog-api-key": "sk-demo-tests"}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=sk-demo-tests/20260101/us-east-1/bedrock/aws4_request"}


def post(url: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    answer = HTTP.post(f"{url}{path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def events(url: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> list[dict[str, Any]]:
    """The data of each server-sent event of a stream."""
    answer = HTTP.post(f"{url}{path}", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


def calls_of(url: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = HTTP.get(f"{url}/admin/calls").raise_for_status().json()
    return calls


def message(**more: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": QUESTION}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 512, "messages": asked, **more}


def test_a_response_and_its_stream_say_the_same_with_the_same_usage(client: openai.OpenAI, url: str) -> None:
    whole = client.responses.create(model="o4-mini", input=QUESTION, instructions="Be brief.")
    assert whole.output_text == "Paris is warm today."
    assert whole.usage is not None
    assert whole.usage.output_tokens_details.reasoning_tokens > 0
    with client.responses.create(model="o4-mini", input=QUESTION, instructions="Be brief.", stream=True) as stream:
        seen = list(stream)
    assert "".join(event.delta for event in seen if event.type == "response.output_text.delta") == whole.output_text
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    last = seen[-1]
    assert last.type == "response.completed"
    assert last.response.usage == whole.usage
    assert [(call["op"], call["streaming"]) for call in calls_of(url)] == [("responses", False), ("responses", True)]


def test_a_response_asks_for_a_function_and_answers_with_its_output(client: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
    first = client.responses.create(model="gpt-4o-mini", input="Paris", tools=tools)
    (call,) = first.output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"city": "Paris"}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "It is 22 degrees in Paris."}
    given: Any = [{"role": "user", "content": "Paris"}, call.model_dump(), result]
    second = client.responses.create(model="gpt-4o-mini", input=given, tools=tools)
    assert "22 degrees" in second.output_text


def test_a_message_tells_its_input_without_what_the_prompt_cache_read_or_wrote(url: str) -> None:
    def system(**more: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", **more}}]

    written = post(url, "/v1/messages", message(system=system()), ANTHROPIC)["usage"]
    read = post(url, "/v1/messages", message(system=system()), ANTHROPIC)["usage"]
    hour = post(url, "/v1/messages", message(system=[*system(), *system(ttl="1h")]), ANTHROPIC)["usage"]
    assert written["cache_creation_input_tokens"] == read["cache_read_input_tokens"] == 1203
    assert written["cache_read_input_tokens"] == read["cache_creation_input_tokens"] == 0
    assert written["input_tokens"] == read["input_tokens"] < 100
    assert hour["cache_creation"] == {
        "ephemeral_5m_input_tokens": 0,
        "ephemeral_1h_input_tokens": hour["cache_creation_input_tokens"],
    }
    first, second, _ = calls_of(url)
    assert first["input_total"] == second["input_total"] == written["input_tokens"] + 1203
    assert (first["cache_write"], second["cache_read"]) == (1203, 1203)
    assert ledger_of(url)["totals"]["tokens"]["cache_write"] == 1203 + hour["cache_creation_input_tokens"]


def test_a_streamed_message_tells_its_usage_at_the_start_and_at_the_end(url: str) -> None:
    whole = post(url, "/v1/messages", message(), ANTHROPIC)
    seen = events(url, "/v1/messages", message(stream=True), ANTHROPIC)
    text = "".join(event["delta"]["text"] for event in seen if event["type"] == "content_block_delta")
    assert [text] == [block["text"] for block in whole["content"]]
    assert seen[0]["message"]["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert seen[-2]["usage"] == {"output_tokens": whole["usage"]["output_tokens"]}
    assert [event["type"] for event in seen[-2:]] == ["message_delta", "message_stop"]


def test_a_message_asks_for_a_tool_and_reads_its_result(url: str) -> None:
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    asked = message(tools=tools, messages=[{"role": "user", "content": "Paris"}])
    first = post(url, "/v1/messages", asked, ANTHROPIC)
    assert first["stop_reason"] == "tool_use"
    (used,) = first["content"]
    result = {"type": "tool_result", "tool_use_id": used["id"], "content": "It is 22 degrees in Paris."}
    asked["messages"] += [{"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    second = post(url, "/v1/messages", asked, ANTHROPIC)
    assert "22 degrees" in second["content"][0]["text"]


def content(**more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}], **more}


def test_google_tells_thoughts_beside_the_answer_and_what_it_had_cached(url: str) -> None:
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    long = content(systemInstruction={"parts": [{"text": LONG}]})
    first = post(url, path, long, GOOGLE)["usageMetadata"]
    second = post(url, path, long, GOOGLE)["usageMetadata"]
    assert "cachedContentTokenCount" not in first
    assert second["cachedContentTokenCount"] == 1152
    assert second["thoughtsTokenCount"] > 0
    parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    assert second["totalTokenCount"] == sum(second[part] for part in parts)
    call = calls_of(url)[1]
    assert call["output_total"] == second["candidatesTokenCount"] + second["thoughtsTokenCount"]
    assert call["reasoning"] == second["thoughtsTokenCount"]


def test_googles_stream_ends_with_the_usage_of_the_whole_answer(url: str) -> None:
    whole = post(url, "/v1/models/gemini-2.5-flash:generateContent", content(), GOOGLE)
    seen = events(url, "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", content(), GOOGLE)
    texts = [part["text"] for event in seen for part in event["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == whole["candidates"][0]["content"]["parts"][0]["text"]
    assert [event.get("usageMetadata") for event in seen[:-1]] == [None] * (len(seen) - 1)
    assert seen[-1]["usageMetadata"] == whole["usageMetadata"]


@pytest.mark.parametrize("key", ["parameters", "parametersJsonSchema", "parameters_json_schema"])
def test_google_calls_a_function_however_its_schema_is_written(url: str, key: str) -> None:
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    declared = {"name": "get_weather", key: schema if key == "parameters" else SCHEMA}
    asked = {
        "contents": [{"role": "user", "parts": [{"text": "Paris"}]}],
        "tools": [{"functionDeclarations": [declared]}],
    }
    said = post(url, "/v1beta/models/gemini-2.5-flash:generateContent", asked, GOOGLE)
    (part,) = said["candidates"][0]["content"]["parts"]
    assert part["functionCall"] == {"name": "get_weather", "args": {"city": "Paris"}}


def test_cohere_chats_embeds_and_ranks(url: str) -> None:
    chat = {"model": "command-r-plus-08-2024", "messages": [{"role": "user", "content": QUESTION}]}
    said = post(url, "/v2/chat", chat, BEARER)
    assert said["message"]["content"][0]["text"] == "Paris is warm today."
    seen = events(url, "/v2/chat", {**chat, "stream": True}, BEARER)
    assert seen[-1]["delta"]["usage"] == said["usage"]
    embedded = post(url, "/v2/embed", {"model": "embed-v4.0", "texts": ["a b", "c"]}, BEARER)
    assert len(embedded["embeddings"]["float"]) == 2
    assert embedded["meta"]["billed_units"] == {"input_tokens": 3}
    documents = ["Rome is cold.", "Paris is warm today."]
    ranked = post(url, "/v2/rerank", {"model": "rerank-v3.5", "query": QUESTION, "documents": documents}, BEARER)
    assert [each["index"] for each in ranked["results"]] == [1, 0]
    assert [call["op"] for call in calls_of(url)] == ["chat", "chat", "embeddings", "rerank"]


def test_bedrock_tells_its_input_without_what_was_cached(url: str) -> None:
    asked = {"messages": [{"role": "user", "content": [{"text": QUESTION}]}], "system": [{"text": LONG}]}
    post(url, "/model/amazon.nova-lite-v1:0/converse", asked, SIGNED)
    usage = post(url, "/model/amazon.nova-lite-v1:0/converse", asked, SIGNED)["usage"]
    assert usage["cacheReadInputTokens"] == 1152
    assert usage["inputTokens"] + 1152 == calls_of(url)[1]["input_total"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "told"),
    [
        ("/v1/responses", {"model": "o4-mini", "input": "a"}, BEARER, ["error", "code", "rate_limit_exceeded"]),
        ("/v1/messages", message(), ANTHROPIC, ["error", "type", "rate_limit_error"]),
        ("/v1/models/gemini-2.5-pro:generateContent", content(), GOOGLE, ["error", "status", "RESOURCE_EXHAUSTED"]),
        ("/mistral/v1/chat/completions", {"model": "mistral-large-latest", "messages": [{"role": "user"}]}, BEARER, []),
    ],
)
def test_a_rate_limit_is_said_in_each_providers_own_words(
    url: str, path: str, body: dict[str, Any], headers: dict[str, str], told: list[str]
) -> None:
    HTTP.post(f"{url}/admin/faults", json={"error_ratio": 1.0, "kind": "rate_limit_exceeded"}).raise_for_status()
    answer = HTTP.post(f"{url}{path}", json=body, headers=headers)
    assert answer.status_code == 429
    if told:
        outer, inner, value = told
        assert answer.json()[outer][inner] == value
    (call,) = calls_of(url)
    assert (call["http_status"], call["error"], call["usage_reported"]) == (429, "rate_limit_exceeded", False)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "sk-demo-"}, {"x-api-key": "nobody"}])
def test_a_key_that_is_none_is_refused_by_every_api(url: str, headers: dict[str, str]) -> None:
    assert HTTP.post(f"{url}/v1/messages", json=message(), headers=headers).status_code == 401
    assert HTTP.post(f"{url}/v1beta/models/gemini-2.5-pro:generateContent", json=content()).status_code == 401
    assert HTTP.post(f"{url}/model/amazon.nova-lite-v1:0/converse", json={}).status_code == 401


def test_calls_are_told_one_by_one_from_a_number_on(client: openai.OpenAI, url: str) -> None:
    for stream in (False, True):
        list(
            client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": QUESTION}], stream=stream
            )
        )
    first, second = calls_of(url)
    assert (first["seq"], first["usage_reported"], second["usage_reported"]) == (0, True, False)
    assert first["model_requested"] == "gpt-4o-mini"
    assert first["model_response"] == "gpt-4o-mini-2024-07-18"
    since: list[dict[str, Any]] = HTTP.get(f"{url}/admin/calls", params={"since": 1}).json()
    assert since == [second]


def test_an_answer_comes_in_the_sections_that_a_prompt_asks_for(client: openai.OpenAI) -> None:
    asked = f"{QUESTION}\n\nRespond with `[[ ## reasoning ## ]]`, then `[[ ## answer ## ]]`, `[[ ## completed ## ]]`."
    said = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": asked}])
    text = said.choices[0].message.content or ""
    assert text.startswith("[[ ## reasoning ## ]]\n")
    assert text.endswith("[[ ## completed ## ]]")
    assert "\n\n[[ ## answer ## ]]\n" in text
