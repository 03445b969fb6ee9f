"""Messages and tools against published counts, and the forms in which they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from observability.tokens import TokenCounter, encodings
from observability.tokens.messages import Message, content_of

#: Counts of the texts of OpenAI's cookbook by tiktoken 0.14: (cl100k_base, o200k_base).
COUNTED = {
    "system": (1, 1),
    "user": (1, 1),
    "example_user": (2, 2),
    "example_assistant": (3, 3),
    "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.": (18, 17),
    "New synergies will help drive top-line growth.": (10, 10),
    "Things working well together will increase revenue.": (8, 8),
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.": (18, 17),
    "Let's talk later when we're less busy about how to do better.": (15, 13),
    "This late pivot means we don't have time to boil the ocean for the client deliverable.": (19, 18),
    "You are a helpful assistant that can answer to questions about the weather.": (14, 14),
    "What's the weather like in San Francisco?": (9, 8),
    "get_current_weather:Get the current weather in a given location": (11, 11),
    "celsius": (2, 2),
    "fahrenheit": (2, 2),
    "location:string:The city and state, e.g. San Francisco, CA": (14, 14),
    "unit:string:The unit of temperature to return": (8, 8),
}
TEXTS = list(COUNTED)
COOKBOOK_MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": TEXTS[4]},
    {"role": "system", "name": "example_user", "content": TEXTS[5]},
    {"role": "system", "name": "example_assistant", "content": TEXTS[6]},
    {"role": "system", "name": "example_user", "content": TEXTS[7]},
    {"role": "system", "name": "example_assistant", "content": TEXTS[8]},
    {"role": "user", "content": TEXTS[9]},
]
WEATHER_MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": TEXTS[10]},
    {"role": "user", "content": TEXTS[11]},
]
WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {
                    "type": "string",
                    "description": "The unit of temperature to return",
                    "enum": ["celsius", "fahrenheit"],
                },
            },
            "required": ["location"],
        },
    },
}
CLAUDE_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        },
        "required": ["location"],
    },
}


class Recorded(TokenCounter):
    """A counter that knows the true counts of the cookbook's texts, and of no others."""

    def count(self, text: str) -> int:
        return COUNTED[text][0 if self._model.family == "cl100k" else 1]


@pytest.mark.parametrize(
    ("model", "published"),
    [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)],
)
def test_the_messages_of_the_cookbook_count_as_the_api_counted_them(model: str, published: int) -> None:
    assert Recorded(model).count_messages(COOKBOOK_MESSAGES) == published
    assert TokenCounter(model).count_messages(COOKBOOK_MESSAGES) == pytest.approx(published, rel=0.1)


@pytest.mark.parametrize(
    ("model", "published"), [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)]
)
def test_the_function_call_of_the_cookbook_counts_as_the_api_counted_it(model: str, published: int) -> None:
    assert Recorded(model).count_messages(WEATHER_MESSAGES, [WEATHER_TOOL]) == published
    assert Recorded(model).count_messages(WEATHER_MESSAGES, [WEATHER_TOOL["function"]]) == published
    assert TokenCounter(model).count_messages(WEATHER_MESSAGES, [WEATHER_TOOL]) == pytest.approx(published, rel=0.1)


def test_the_messages_of_anthropics_page_on_token_counting_count_nearly_as_published() -> None:
    counter = TokenCounter("claude-3-7-sonnet-20250219")
    hello = {"system": "You are a scientist", "messages": [{"role": "user", "content": "Hello, Claude"}]}
    assert counter.count_messages(hello) == pytest.approx(14, abs=2)  # type: ignore[arg-type]  # a whole body
    question = [{"role": "user", "content": "What's the weather like in San Francisco?"}]
    assert counter.count_messages(question, [CLAUDE_TOOL]) == pytest.approx(403, rel=0.12)


@pytest.mark.parametrize(
    ("model", "prompt"),
    [("claude-sonnet-4-6", 497), ("claude-opus-4-8", 290), ("claude-sonnet-5", 354), ("claude-3-7-sonnet-latest", 346)],
)
def test_the_first_tool_of_a_claude_model_brings_its_published_system_prompt(model: str, prompt: int) -> None:
    counter = TokenCounter(model)
    one, two = counter.count_tools([CLAUDE_TOOL]), counter.count_tools([CLAUDE_TOOL, CLAUDE_TOOL])
    assert one - (two - one) == prompt


def test_no_tools_cost_nothing() -> None:
    assert TokenCounter("gpt-4o").count_tools([]) == 0
    assert TokenCounter("claude-opus-4-8").count_tools([]) == 0


def test_properties_of_nested_objects_count() -> None:
    inner = {"type": "object", "properties": {"street": {"type": "string", "description": "Street and number"}}}
    flat = {"name": "ship", "parameters": {"type": "object", "properties": {"to": {"type": "object"}}}}
    nested = {"name": "ship", "parameters": {"type": "object", "properties": {"to": inner}}}
    listed = {"name": "ship", "parameters": {"type": "object", "properties": {"to": {"type": "array", "items": inner}}}}
    counter = TokenCounter("gpt-4o")
    assert counter.count_tools([nested]) > counter.count_tools([flat]) + 4
    assert counter.count_tools([listed]) > counter.count_tools([flat]) + 4


def test_a_tool_call_and_its_answer_count() -> None:
    question: list[dict[str, Any]] = [{"role": "user", "content": "Weather in Paris?"}]
    arguments = json.dumps({"location": "Paris, France", "unit": "celsius"})
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}}],
    }
    answer = {"role": "tool", "tool_call_id": "call_1", "name": "weather", "content": "18 degrees and sunny"}
    counter = TokenCounter("gpt-4o")
    with_call = counter.count_messages([*question, call])
    assert with_call - counter.count_messages(question) == 3 + counter.count("assistant") + 3 + counter.count(
        "weather"
    ) + counter.count(arguments)
    assert counter.count_messages([*question, call, answer]) - with_call == 3 + counter.count("tool") + counter.count(
        "18 degrees and sunny"
    )


SAME_QUESTION: list[tuple[str, Any]] = [
    ("OpenAI chat", [{"role": "user", "content": "Name three rivers."}]),
    ("content parts", [{"role": "user", "content": [{"type": "text", "text": "Name three rivers."}]}]),
    ("Responses", [{"role": "user", "content": [{"type": "input_text", "text": "Name three rivers."}]}]),
    ("OpenTelemetry", [{"role": "user", "parts": [{"type": "text", "content": "Name three rivers."}]}]),
    ("Gemini", {"contents": [{"role": "user", "parts": [{"text": "Name three rivers."}]}]}),
    ("a body", {"model": "m", "messages": [{"role": "user", "content": "Name three rivers."}]}),
    ("a Responses body", {"model": "m", "input": "Name three rivers."}),
    ("a body as JSON", json.dumps({"messages": [{"role": "user", "content": "Name three rivers."}]})),
    ("OpenInference", [{"message": {"role": "user", "content": "Name three rivers."}}]),
    ("OpenInference, flat", [{"message.role": "user", "message.content": "Name three rivers."}]),
    (
        "LangChain",
        {
            "messages": [
                [
                    {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["langchain", "schema", "messages", "HumanMessage"],
                        "kwargs": {"content": "Name three rivers.", "type": "human"},
                    }
                ]
            ]
        },
    ),
    ("LangChain, dumped", {"messages": [{"type": "human", "data": {"content": "Name three rivers."}}]}),
    ("plain text", "Name three rivers."),
]


@pytest.mark.parametrize("value", [value for _, value in SAME_QUESTION], ids=[name for name, _ in SAME_QUESTION])
def test_one_question_is_read_the_same_in_every_form(value: Any) -> None:
    assert content_of(value).messages == [Message("user", texts=["Name three rivers."])]


CALLS: list[tuple[str, Any]] = [
    ("OpenAI", {"tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]}),
    ("Anthropic", {"content": [{"type": "tool_use", "id": "x", "name": "f", "input": {"a": 1}}]}),
    ("OpenTelemetry", {"parts": [{"type": "tool_call", "id": "x", "name": "f", "arguments": {"a": 1}}]}),
    ("Gemini", {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}),
    ("deprecated", {"function_call": {"name": "f", "arguments": '{"a": 1}'}}),
    ("OpenInference", {"tool_calls": [{"tool_call": {"function": {"name": "f", "arguments": '{"a": 1}'}}}]}),
]


@pytest.mark.parametrize("value", [value for _, value in CALLS], ids=[name for name, _ in CALLS])
def test_a_tool_call_is_read_the_same_in_every_form(value: dict[str, Any]) -> None:
    assert content_of([{"role": "assistant", **value}]).messages == [Message("assistant", calls=[("f", '{"a": 1}')])]


def test_the_answer_of_a_tool_is_read_in_every_form() -> None:
    for value in (
        [{"role": "tool", "content": "sunny"}],
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "sunny"}]}],
        [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "sunny"}]}]}],
        [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "x", "response": "sunny"}]}],
        [{"type": "function_call_output", "call_id": "x", "output": "sunny"}],
    ):
        assert [message.texts for message in content_of(value).messages] == [["sunny"]], value


def test_a_response_body_is_read_by_its_answer() -> None:
    for value in (
        {"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "The Rhine."}}]},
        {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "The Rhine."}]},
        {
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "The Rhine."}]}
            ]
        },
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "The Rhine."}]}}]},
        {
            "type": "LLMResult",
            "generations": [
                [
                    {
                        "text": "The Rhine.",
                        "type": "ChatGeneration",
                        "message": {"lc": 1, "id": ["AIMessage"], "kwargs": {"content": "The Rhine."}},
                    }
                ]
            ],
        },
    ):
        assert [message.texts for message in content_of(value).messages] == [["The Rhine."]], value


def test_audio_and_files_are_not_taken_for_text() -> None:
    parts = [
        {"type": "input_audio", "input_audio": {"data": "A" * 4000, "format": "wav"}},
        {"type": "file", "file": {"file_data": "B" * 4000}},
        {"type": "blob", "mime_type": "audio/wav", "content": "C" * 4000},
        {"type": "text", "text": "What is said here?"},
    ]
    texts = content_of([{"role": "user", "content": parts}]).messages[0].texts
    assert "What is said here?" in texts
    assert sum(map(len, texts)) < 100


def test_the_tests_of_exact_counts_need_no_vocabulary() -> None:
    assert Recorded("gpt-4o").count("celsius") == 2
    assert encodings.encoding_name("gpt-4o") in {"o200k_base", None}
