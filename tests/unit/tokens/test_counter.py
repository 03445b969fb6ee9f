"""The counter as its user sees it: models, stated error, prices, estimates."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.tokens import TokenCounter, estimate_usage, model_named
from observability.tokens.coefficients import HELD_OUT, UNKNOWN_TOKENIZER
from tests.support import ROOT


@pytest.mark.parametrize(
    ("name", "family", "measured"),
    [
        ("gpt-4o-mini-2024-07-18", "o200k", True),
        ("openai/gpt-4o", "o200k", True),
        ("gpt-5.1-codex", "o200k", True),
        ("o3-mini", "o200k", True),
        ("ft:gpt-4o:org::x", "o200k", True),
        ("gpt-4-turbo", "cl100k", True),
        ("azure/gpt-35-turbo", "cl100k", True),
        ("text-embedding-3-small", "cl100k", True),
        ("claude-2.1", "claude", True),
        ("claude-sonnet-4-5-20250929", "claude", False),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude", False),
        ("models/gemini-2.5-flash", "gemini", True),
        ("google/gemma-3-27b-it", "gemini", True),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama", True),
        ("llama-4-maverick", "llama", False),
        ("mistral-large-latest", "mistral", True),
        ("open-mixtral-8x7b", "mistral", True),
        ("deepseek-chat", "deepseek", True),
        ("Qwen/Qwen3-32B", "qwen", True),
        ("command-r-plus", "o200k", False),
        ("gpt-6-astra", "o200k", False),
        ("", "o200k", False),
    ],
)
def test_a_model_is_counted_by_its_family(name: str, family: str, measured: bool) -> None:
    model = model_named(name)
    assert (model.family, model.measured) == (family, measured)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("claude-3-5-sonnet-20241022", (3, 5)),
        ("claude-3-opus-20240229", (3, 0)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-haiku-4-5", (4, 5)),
        ("claude-opus-4.7", (4, 7)),
        ("claude-sonnet-5", (5, 0)),
        ("gemini-3-pro-preview", (3, 0)),
        ("gpt-4o", None),
    ],
)
def test_the_version_is_read_from_the_name(name: str, version: tuple[int, int] | None) -> None:
    assert model_named(name).version == version


def test_the_newer_tokenizer_of_claude_makes_thirty_percent_more_tokens() -> None:
    text = "The bill of the month is ready and waits for your approval. " * 20
    older, newer = TokenCounter("claude-sonnet-4-5").count(text), TokenCounter("claude-sonnet-5").count(text)
    assert newer == pytest.approx(1.3 * older, rel=0.01)


def test_the_expected_error_is_the_one_measured_for_the_family() -> None:
    counter = TokenCounter("deepseek-chat")
    assert (counter.method, counter.expected_error, counter.expected_error_p95) == (
        "approximation",
        *HELD_OUT["deepseek"],
    )


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "command-r-plus", "house-model"])
def test_a_model_without_a_public_tokenizer_states_the_larger_error(model: str) -> None:
    counter = TokenCounter(model)
    assert (counter.expected_error, counter.expected_error_p95) == UNKNOWN_TOKENIZER
    assert counter.expected_error > max(median for median, _ in HELD_OUT.values())


def test_a_cost_is_the_list_price_in_dollars() -> None:
    counter = TokenCounter("gpt-4o")  # 2.50, cached 1.25, output 10 dollars a million
    assert counter.calculate_cost(1000, 500) == pytest.approx(0.0075)
    assert counter.calculate_cost(1000, 500, cached_tokens=400) == pytest.approx(0.007)
    assert TokenCounter("openai/gpt-4o").calculate_cost(1000, 500) == pytest.approx(0.0075)
    assert counter.calculate_cost(0, 0) == 0.0


@pytest.mark.parametrize("model", ["no-such-model", "", "house/own-7b"])
def test_a_model_without_a_price_costs_unknown_and_not_nothing(model: str) -> None:
    assert TokenCounter(model).calculate_cost(1000, 500) is None


@pytest.mark.parametrize("counts", [(-1, 0, 0), (0, -1, 0), (10, 0, -1), (10, 0, 11)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="token counts"):
        TokenCounter("gpt-4o").calculate_cost(*counts)


def test_without_the_price_list_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(ImportError, match="pip install genai-prices"):
        TokenCounter("gpt-4o").calculate_cost(1, 1)


def test_counting_imports_nothing_of_the_server() -> None:
    script = (
        "import sys; from observability.tokens import TokenCounter, estimate_usage; "
        "TokenCounter('claude-3-opus').count_messages([{'role': 'user', 'content': 'hi'}]); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'fastapi', 'pydantic', 'orjson', 'httpx', 'genai_prices', 'uvicorn', 'numpy', 'google', 'yaml'}))"
    )
    environment = {"PYTHONPATH": str(ROOT / "exporter"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


QUESTION = "How many people live in Lisbon, and how many in its whole region?"
ANSWER = "About 570 thousand people live in the city and close to three million in the metropolitan area."


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (QUESTION, ANSWER),
        ([{"role": "user", "content": QUESTION}], [{"role": "assistant", "content": ANSWER}]),
        (
            [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
            [{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}],
        ),
        (
            {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}]},
            {"choices": [{"message": {"role": "assistant", "content": ANSWER}}]},
        ),
    ],
    ids=["text", "chat", "OpenTelemetry", "bodies"],
)
def test_usage_is_estimated_the_same_from_every_form(asked: Any, answered: Any) -> None:
    counter = TokenCounter("gpt-4o")
    expected = counter.count_messages([{"role": "user", "content": QUESTION}]), counter.count(ANSWER)
    assert estimate_usage("gpt-4o", asked, answered) == expected


def test_the_tools_and_the_system_prompt_of_a_body_are_part_of_the_input() -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}]}
    tools = [{"type": "function", "function": {"name": "population", "description": "Counts people"}}]
    plain, _ = estimate_usage("gpt-4o", body, None)
    with_tools, _ = estimate_usage("gpt-4o", {**body, "tools": tools}, None)
    with_system, _ = estimate_usage("gpt-4o", {**body, "system": "Answer in one sentence."}, None)
    assert plain is not None
    assert with_tools == plain + TokenCounter("gpt-4o").count_tools(tools)
    assert with_system is not None
    assert with_system > plain + 4


def test_an_answer_that_only_calls_a_tool_has_output() -> None:
    call = [
        {"role": "assistant", "tool_calls": [{"function": {"name": "population", "arguments": '{"city": "Lisbon"}'}}]}
    ]
    _, output = estimate_usage("gpt-4o", None, call)
    assert output is not None
    assert output > 5


@pytest.mark.parametrize(
    "nothing", [None, "", [], {}, "[]", [{"role": "user", "content": ""}], [None], {"messages": []}]
)
def test_a_side_without_content_is_unknown_and_not_zero(nothing: Any) -> None:
    assert estimate_usage("gpt-4o", nothing, nothing) == (None, None)
    assert estimate_usage("gpt-4o", nothing, ANSWER)[0] is None
    assert estimate_usage("gpt-4o", QUESTION, nothing)[1] is None


_KEYS = """role content parts type text messages input tools functions function name arguments tool_calls function_call
    image_url url source data detail inline_data mime_type choices message output system parameters properties items
    enum anyOf message.role message.content description candidates functionCall functionResponse response modality
    lc id kwargs data generations"""
_STRINGS = """user assistant tool text image image_url tool_use function_call blob uri message human AIMessage [[ {
    data:image/png;base64,iVBORw0KGgo="""
KEYS = st.sampled_from(_KEYS.split())
STRINGS = st.text(max_size=30) | st.sampled_from(_STRINGS.split())
JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=400, deadline=None)
@given(JSON_LIKE, JSON_LIKE, st.sampled_from(["gpt-4o", "gpt-4", "claude-opus-4-8", "gemini-3-pro", "house-model"]))
def test_no_shape_of_content_makes_the_estimate_fail(asked: Any, answered: Any, model: str) -> None:
    for side in estimate_usage(model, asked, answered):
        assert side is None or side >= 0
    assert TokenCounter(model).count_messages(asked, answered if isinstance(answered, list) else None) >= 0


def test_content_nested_beyond_reason_is_cut_off() -> None:
    deep: Any = "bottom"
    for _ in range(5000):
        deep = {"content": [deep]}
    assert estimate_usage("gpt-4o", [{"role": "user", "content": deep}], None) == (None, None)
    assert estimate_usage("gpt-4o", "[" * 100_000, None)[0] is not None
