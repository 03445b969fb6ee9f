"""Each of the provider's errors arrives as the right exception of the real client, and once in the ledger."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from demo.provider_calls import error_kind, wait_seconds
from demo.simulator.app import Simulator
from demo.simulator.errors import Kind
from demo.simulator.faults import Faults
from tests.support import poll
from tests.unit.demo.support import HTTP, client_of, ledger_of, serving

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello, is it warm?"}]

EXCEPTIONS: dict[Kind, tuple[type[openai.OpenAIError], str | None]] = {
    Kind.RATE_LIMIT_EXCEEDED: (openai.RateLimitError, "rate_limit_exceeded"),
    Kind.CONTENT_FILTER: (openai.BadRequestError, "content_filter"),
    Kind.MODEL_NOT_FOUND: (openai.NotFoundError, "model_not_found"),
    Kind.INVALID_REQUEST: (openai.BadRequestError, "context_length_exceeded"),
    Kind.AUTHENTICATION: (openai.AuthenticationError, "invalid_api_key"),
    Kind.SERVER_ERROR: (openai.InternalServerError, None),
    Kind.TIMEOUT: (openai.APITimeoutError, None),
}


def set_faults(url: str, **faults: Any) -> httpx.Response:
    return HTTP.post(f"{url}/admin/faults", json=faults)


def ask(client: openai.OpenAI, operation: str) -> None:
    if operation == "embeddings":
        client.embeddings.create(model="text-embedding-3-small", input="warm")
    elif operation == "stream":
        with client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as chunks:
            list(chunks)
    else:
        client.chat.completions.create(model="gpt-4o", messages=HELLO)


def test_every_kind_has_its_exception() -> None:
    assert set(EXCEPTIONS) == set(Kind)


@pytest.mark.parametrize("operation", ["chat", "stream", "embeddings"])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_fault_is_raised_as_the_clients_own_exception_and_counted(
    url: str, client: openai.OpenAI, kind: Kind, operation: str
) -> None:
    assert set_faults(url, error_ratio=1.0, kind=kind).status_code == 200
    expected, code = EXCEPTIONS[kind]
    with pytest.raises(expected) as caught:
        ask(client.with_options(timeout=0.3), operation)
    assert isinstance(caught.value, openai.APIError)
    assert caught.value.code == code
    assert error_kind(caught.value) == kind

    errors = poll("the error in the ledger", lambda: ledger_of(url)["totals"]["errors"], deadline=10)
    assert errors == {kind: 1}
    (row,) = ledger_of(url)["rows"]
    assert (row["service"], row["requests"], row["success"]) == ("tests", 1, 0)
    assert sum(row["tokens"].values()) == 0, "a failed call costs nothing"


def test_a_rate_limit_says_when_to_come_back(url: str, client: openai.OpenAI) -> None:
    set_faults(url, error_ratio=1.0, kind="rate_limit_exceeded")
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, "chat")
    assert caught.value.response.headers["retry-after"] == "1"
    assert wait_seconds(caught.value) == pytest.approx(0.12)
    assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_the_client_itself_retries_a_rate_limit_as_against_the_real_provider(url: str, client: openai.OpenAI) -> None:
    set_faults(url, error_ratio=0.5, kind="rate_limit_exceeded")
    for _ in range(4):
        ask(client.with_options(max_retries=2), "chat")
    totals = ledger_of(url)["totals"]
    assert totals["success"] == 4
    assert totals["errors"]["rate_limit_exceeded"] >= 3


def test_an_unknown_model_and_a_wrong_key_are_refused(url: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    for key in ("sk-live-abcd", "sk-demo-"):
        with (
            openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as stranger,
            pytest.raises(openai.AuthenticationError, match="Incorrect API key"),
        ):
            stranger.chat.completions.create(model="gpt-4o", messages=HELLO)
    rows = {(row["service"], row["model"]): row["errors"] for row in ledger_of(url)["rows"]}
    assert rows == {("tests", "gpt-9"): {"model_not_found": 1}, ("unknown", "unknown"): {"authentication": 2}}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("chat/completions", {"model": "gpt-4o", "messages": []}, "messages"),
        ("chat/completions", {"model": "gpt-4o"}, "messages"),
        ("chat/completions", {"messages": HELLO}, "model"),
        ("chat/completions", {"model": "text-embedding-3-small", "messages": HELLO}, "not a chat model"),
        ("chat/completions", {"model": "o4-mini", "messages": HELLO, "max_tokens": 5}, "max_completion_tokens"),
        (
            "chat/completions",
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "cold " * 130_000}]},
            "context length",
        ),
        ("embeddings", {"model": "text-embedding-3-small", "input": []}, "input"),
        ("embeddings", {"model": "text-embedding-3-small", "input": ["", "warm"]}, "input"),
        ("embeddings", {"model": "text-embedding-3-small", "input": "warm", "dimensions": 5000}, "dimensions"),
        ("embeddings", {"model": "gpt-4o", "input": "warm"}, "input"),
    ],
)
def test_a_request_that_openai_would_refuse_is_refused(url: str, path: str, body: dict[str, Any], message: str) -> None:
    answer = HTTP.post(f"{url}/v1/{path}", json=body, headers={"authorization": "Bearer sk-demo-tests"})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert ledger_of(url)["totals"]["errors"] == {"invalid_request": 1}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(url: str, body: bytes) -> None:
    headers = {"authorization": "Bearer sk-demo-tests"}
    answer = HTTP.post(f"{url}/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == 400
    assert ledger_of(url)["totals"]["errors"] == {"invalid_request": 1}


def test_the_content_filter_also_cuts_answers_off_which_is_no_error() -> None:
    with serving(Simulator(latency_scale=0, faults=Faults(error_ratio=0))) as url, client_of(url) as client:
        reasons = [
            client.chat.completions.create(model="gpt-4o", messages=HELLO).choices[0].finish_reason for _ in range(150)
        ]
        assert reasons.count("content_filter") == 1
        (row,) = ledger_of(url)["rows"]
    assert row["finish_reasons"] == {"content_filter": 1, "stop": 149}
    assert (row["success"], row["errors"]) == (150, {})


def test_faults_can_be_set_read_and_taken_back(url: str, client: openai.OpenAI) -> None:
    assert set_faults(url, error_ratio=0.5).json() == {
        "error_ratio": 0.5, "kind": None, "latency_factor": 1.0, "cold_cache": False,
    }  # fmt: skip
    failed = 0
    for _ in range(40):
        try:
            ask(client.with_options(timeout=0.2), "chat")
        except openai.APIError:
            failed += 1
    assert failed in (19, 20, 21)
    default = HTTP.delete(f"{url}/admin/faults").json()
    assert default == HTTP.get(f"{url}/admin/faults").json()
    assert default["error_ratio"] < 0.05


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"error_ratio": 1.5}, "error_ratio"),
        ({"error_ratio": -0.1}, "error_ratio"),
        ({"error_ratio": "many"}, "many"),
        ({"kind": "gremlins"}, "gremlins"),
        ({"ratio": 0.5}, "ratio"),
        ({"latency_factor": -1}, "latency_factor"),
        ({"latency_factor": float("inf")}, "latency_factor"),
    ],
)
def test_faults_that_make_no_sense_are_refused_and_change_nothing(
    url: str, faults: dict[str, Any], message: str
) -> None:
    before = HTTP.get(f"{url}/admin/faults").json()
    content = str(faults).replace("'", '"').replace("inf", "Infinity")
    answer = HTTP.post(f"{url}/admin/faults", content=content)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert HTTP.get(f"{url}/admin/faults").json() == before


def test_a_client_that_gives_up_waiting_is_counted_as_a_timeout_and_pays_nothing() -> None:
    # Slowness and not an injected fault: the answer would have come, but too late for this client.
    with (
        serving(Simulator(latency_scale=10, faults=Faults(error_ratio=0))) as url,
        client_of(url, timeout=0.3) as client,
    ):
        for operation in ("chat", "stream", "embeddings"):
            with pytest.raises(openai.APITimeoutError):
                ask(client, operation)
        counted = poll(
            "three time-outs in the ledger",
            lambda: ledger if (ledger := ledger_of(url)["totals"])["requests"] == 3 else None,
            deadline=30,
        )
    assert counted["errors"] == {"timeout": 3}
    assert counted["tokens"] == dict.fromkeys(("input", "cache_read", "cache_write", "output", "reasoning"), 0)


def test_the_ledgers_totals_are_the_sums_of_its_rows(url: str) -> None:
    set_faults(url, error_ratio=0.3, kind="server_error")
    for service in ("one", "two"):
        with client_of(url, service) as client:
            for number in range(30):
                try:
                    ask(client, ("chat", "stream", "embeddings")[number % 3])
                except openai.InternalServerError:
                    continue
    ledger = ledger_of(url)
    assert {row["service"] for row in ledger["rows"]} == {"one", "two"}
    totals = ledger["totals"]
    assert totals["requests"] == 60 == sum(row["requests"] for row in ledger["rows"])
    assert totals["requests"] == totals["success"] + sum(totals["errors"].values())
    for row in ledger["rows"]:
        assert row["requests"] == row["success"] + sum(row["errors"].values())
        assert row["streamed"] <= row["success"]
    for kind, count in totals["tokens"].items():
        assert count == sum(row["tokens"][kind] for row in ledger["rows"])


def test_the_ledgers_tokens_are_those_that_the_client_was_told(url: str, client: openai.OpenAI) -> None:
    told = {"input": 0, "cache_read": 0, "cache_write": 0, "output": 0, "reasoning": 0}
    long = "alpha beta gamma delta " * 300
    for number in range(5):
        reply = client.chat.completions.create(
            model="o4-mini", messages=[{"role": "system", "content": long}, {"role": "user", "content": f"{number}?"}]
        )
        usage = reply.usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.completion_tokens_details is not None
        cached, reasoning = usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens
        assert cached is not None
        assert reasoning is not None
        told["input"] += usage.prompt_tokens - cached
        told["cache_read"] += cached
        told["output"] += usage.completion_tokens - reasoning
        told["reasoning"] += reasoning
    assert ledger_of(url)["totals"]["tokens"] == told
    assert told["cache_read"] > 0
