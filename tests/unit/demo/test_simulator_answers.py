"""The simulator as the real ``openai`` client sees it: answers, streams, usage, caching, schemas, tools, embeddings."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from demo.rag_assistant.documents import DOCUMENTS, QUESTIONS
from demo.simulator.app import Simulator
from demo.simulator.faults import Faults
from demo.support_triage.tickets import CLASSIFICATION, LOOK_UP_ORDER, TICKETS
from tests.unit.demo.support import HTTP, client_of, ledger_of, serving

REFUND: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Answer from the pages."},
    {
        "role": "user",
        "content": "Pages:\nRain is wet. A refund takes long: five working days.\n\nQuestion: How long is a refund?",
    },
]


def test_an_answer_comes_from_the_pages_and_names_the_dated_snapshot(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="gpt-4o", messages=REFUND)
    assert reply.model == "gpt-4o-2024-08-06"
    assert reply.choices[0].message.content == "A refund takes long: five working days."
    assert reply.choices[0].finish_reason == "stop"
    assert reply.id.startswith("chatcmpl-")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.completion_tokens == 11  # A refun d takes long : five worki ng days .


def test_a_stream_says_the_same_as_a_whole_answer_and_ends_with_its_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4o-mini", messages=REFUND)
    with client.chat.completions.create(
        model="gpt-4o-mini", messages=REFUND, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_without_include_usage_carries_none(client: openai.OpenAI, url: str) -> None:
    with client.chat.completions.create(model="gpt-4o-mini", messages=REFUND, stream=True) as stream:
        assert all(chunk.usage is None for chunk in stream)
    assert ledger_of(url)["totals"]["tokens"]["output"] > 0  # the provider bills it all the same


def test_a_long_prompt_is_cached_from_the_second_time_on_in_steps_of_128(client: openai.OpenAI) -> None:
    prefix: list[ChatCompletionMessageParam] = [{"role": "system", "content": "one two three four five six " * 250}]
    cached: list[int | None] = []
    prompt = 0
    for question in ("Is it cold?", "Is it warm?"):
        reply = client.chat.completions.create(
            model="gpt-4o", messages=[*prefix, {"role": "user", "content": question}]
        )
        assert reply.usage is not None
        assert reply.usage.prompt_tokens_details is not None
        cached.append(reply.usage.prompt_tokens_details.cached_tokens)
        prompt = reply.usage.prompt_tokens
    assert cached[0] == 0
    assert cached[1] is not None
    assert 1024 <= cached[1] < prompt
    assert cached[1] % 128 == 0


def test_a_cold_cache_remembers_nothing(url: str, client: openai.OpenAI) -> None:
    HTTP.post(f"{url}/admin/faults", json={"error_ratio": 0.0, "cold_cache": True}).raise_for_status()
    for _ in range(3):
        reply = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "system", "content": "one two three four " * 400}, *REFUND]
        )
        assert reply.usage is not None
        assert reply.usage.prompt_tokens_details is not None
        assert reply.usage.prompt_tokens_details.cached_tokens == 0


def test_another_caller_or_a_short_prompt_finds_no_cache(url: str, client: openai.OpenAI) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "alpha beta gamma " * 400}]
    client.chat.completions.create(model="gpt-4o", messages=long)
    with client_of(url, "somebody-else") as other:
        replies = [
            other.chat.completions.create(model="gpt-4o", messages=long),
            client.chat.completions.create(model="gpt-4o-mini", messages=long),
            client.chat.completions.create(model="gpt-4o", messages=REFUND),
            client.chat.completions.create(model="gpt-4o", messages=REFUND),
        ]
    for reply in replies:
        assert reply.usage is not None
        assert reply.usage.prompt_tokens_details is not None
        assert reply.usage.prompt_tokens_details.cached_tokens == 0


def test_a_reasoning_model_counts_its_reasoning_inside_the_completion(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="o4-mini", messages=REFUND, max_completion_tokens=2000)
    assert reply.usage is not None
    assert reply.usage.completion_tokens_details is not None
    reasoning = reply.usage.completion_tokens_details.reasoning_tokens
    assert reasoning is not None
    assert reasoning > 0
    assert reasoning % 64 == 0
    assert reply.usage.completion_tokens == reasoning + 11


def test_an_answer_that_is_too_long_is_cut_at_the_limit(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="gpt-4o", messages=REFUND, max_completion_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 5


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: ticket.text[:24])
def test_a_structured_output_satisfies_its_schema_and_finds_the_category(client: openai.OpenAI, ticket: Any) -> None:
    reply = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": ticket.text}], response_format=CLASSIFICATION
    )
    said = json.loads(reply.choices[0].message.content or "")
    jsonschema.validate(said, dict(CLASSIFICATION["json_schema"]["schema"]))
    assert said["category"] == ticket.category


def test_a_tool_is_called_with_what_the_user_named_and_its_result_is_used(client: openai.OpenAI) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Where is my order AB-1042?"}]
    first = client.chat.completions.create(model="gpt-4o-mini", messages=asked, tools=[LOOK_UP_ORDER])
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.content is None
    assert first.choices[0].message.tool_calls is not None
    (call,) = first.choices[0].message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("look_up_order", {"order": "AB-1042"})
    second = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            *asked,
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": call.id, "type": "function", "function": {"name": "look_up_order", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "Order AB-1042 is in transit."},
        ],
        tools=[LOOK_UP_ORDER],
    )
    assert second.choices[0].finish_reason == "stop"
    assert "in transit" in (second.choices[0].message.content or "")


def test_no_tool_is_called_for_a_user_who_names_nothing(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello!"}], tools=[LOOK_UP_ORDER]
    )
    assert reply.choices[0].message.tool_calls is None


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_are_unit_vectors_of_the_wanted_length(client: openai.OpenAI, encoding: Any) -> None:
    asked = {} if encoding == "base64" else {"encoding_format": encoding}  # base64 is what the client asks for itself
    reply = client.embeddings.create(
        model="text-embedding-3-small", input=["warm rooms", "cold rooms"], dimensions=64, **asked
    )
    assert [row.index for row in reply.data] == [0, 1]
    for row in reply.data:
        assert len(row.embedding) == 64
        assert sum(value * value for value in row.embedding) == pytest.approx(1.0, abs=1e-5)
    assert reply.usage.prompt_tokens == reply.usage.total_tokens == 4


def test_the_right_page_is_among_the_three_nearest_for_every_question(client: openai.OpenAI) -> None:
    def embed(texts: list[str]) -> list[list[float]]:
        reply = client.embeddings.create(model="text-embedding-3-small", input=texts, dimensions=256)
        return [row.embedding for row in reply.data]

    pages = embed([f"{page.title}. {page.text}" for page in DOCUMENTS])
    missed = []
    for question, wanted in QUESTIONS:
        (vector,) = embed([question])
        scores = [sum(a * b for a, b in zip(vector, page, strict=True)) for page in pages]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[:3]
        if wanted not in {DOCUMENTS[index].id for index in best}:
            missed.append(question)
    assert missed == []


def test_the_same_seed_gives_the_same_answers_errors_and_numbers() -> None:
    def run() -> tuple[list[str], dict[str, Any]]:
        said = []
        with (
            serving(Simulator(seed=3, latency_scale=0, faults=Faults(error_ratio=0.2))) as url,
            client_of(url) as client,
        ):
            for number in range(40):
                messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"Is room {number} warm?"}]
                try:
                    reply = client.with_options(timeout=0.2).chat.completions.create(model="o4-mini", messages=messages)
                    said.append(f"{reply.choices[0].message.content} {reply.usage}")
                except openai.APIError as error:
                    said.append(repr(error))
            return said, ledger_of(url)

    assert run() == run()


def test_the_catalogue_lists_the_models(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} >= {
        "gpt-4o",
        "gpt-4o-mini",
        "o4-mini",
        "text-embedding-3-small",
    }
