"""From a posted span to the gauges: a whole exporter, as a user sees it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from observability.monitoring.state import unpack
from observability.settings import Conversations, Drift, Limits, Privacy, Runtime, Settings
from tests.unit.conversations.support import COOKING, ask, asked, calls, conversations_of, looked_at, running, texts
from tests.unit.exporter.support import exporter_of, matching, send, span, total

_OUTCOMES = "exporter_conversations_total"
_FAMILIES = ("llm_text_drift_detected", "llm_text_drift_score", "llm_text_baseline_ratio")


def test_a_constant_topic_raises_nothing_and_another_one_raises_an_alarm_of_the_prompts_alone(
    client: TestClient, random: np.random.Generator
) -> None:
    def answers(count: int) -> list[str]:
        return texts(random, count, words=20)

    ask(client, calls(texts(random, 400), answers(400)))
    ask(client, calls(texts(random, 1000), answers(1000)))
    labels = {"service": "shop", "model": "gpt-4o", "prompt": "unknown"}
    assert total(client, _OUTCOMES, outcome="measured") == 1400
    for text in ("prompt", "answer"):
        (detected,) = matching(client, "llm_text_drift_detected", text=text)
        assert (detected.labels, detected.value) == ({**labels, "text": text}, 0)
        assert total(client, "llm_text_baseline_ratio", text=text) == 1
        assert total(client, "llm_text_drift_effective_samples", text=text, feature="length") > 500
    assert matching(client, "llm_text_drift_alarms_total")
    assert total(client, "llm_text_drift_alarms_total") == 0

    ask(client, calls(texts(random, 600, COOKING), answers(600)))

    assert total(client, "llm_text_drift_detected", text="prompt") == 1
    assert total(client, "llm_text_drift_detected", text="answer") == 0
    for feature in ("unknown_share", "embedding_cosine"):
        assert total(client, "llm_text_drift_feature_detected", text="prompt", feature=feature) == 1
        assert total(client, "llm_text_drift_alarms_total", text="prompt", feature=feature) == 1
        test = {"text": "prompt", "feature": feature, "drift_type": "sequential"}
        assert total(client, "llm_text_drift_score", **test) > total(client, "llm_text_drift_threshold", **test) > 7
    test = {"text": "prompt", "feature": "embedding_distance", "drift_type": "psi"}
    assert total(client, "llm_text_drift_score", **test) > total(client, "llm_text_drift_threshold", **test) > 0


def test_until_there_is_a_baseline_nothing_is_said_of_drift(client: TestClient, random: np.random.Generator) -> None:
    ask(client, calls(texts(random, 100)))
    assert total(client, "llm_text_baseline_ratio", text="prompt") == 0.25
    assert not matching(client, "llm_text_baseline_ratio", text="answer"), "no answer was recorded"
    assert not matching(client, "llm_text_drift_detected")

    ask(client, calls(texts(random, 350)))

    assert total(client, "llm_text_baseline_ratio", text="prompt") == 1
    assert not matching(client, "llm_text_drift_detected"), "fifty texts are too few"


def test_where_spans_have_no_content_there_is_nothing(client: TestClient) -> None:
    without = [{name: value for name, value in asked("x").items() if "messages" not in name} for _ in range(20)]
    ask(client, [span(each) for each in without])
    assert total(client, "llm_requests_total") == 20
    assert not any(matching(client, family) for family in _FAMILIES)
    assert total(client, _OUTCOMES) == 0
    assert client.get("/v1/conversations").json() == {"streams": []}


@pytest.mark.parametrize(
    "changed", [{"conversations": Conversations(enabled=False)}, {"privacy": Privacy(content="drop")}]
)
def test_where_it_is_switched_off_or_content_is_dropped_nothing_is_looked_at(
    changed: dict[str, Any], runtime: Runtime
) -> None:
    with running(Settings(limits=Limits(settle_seconds=0), **changed), runtime) as client:
        assert exporter_of(client).conversations is None
        send(client, *calls(["Where is my parcel?"] * 20))
        assert total(client, "llm_requests_total") == 20
        assert not any(matching(client, family) for family in (*_FAMILIES, _OUTCOMES))
        assert client.get("/v1/conversations").json() == {"streams": []}


def test_each_service_model_and_version_of_a_prompt_is_watched_by_itself(client: TestClient) -> None:
    named = {"gen_ai.prompt.name": "triage", "langfuse.observation.prompt.version": 3}
    ask(client, [span({**asked("one"), **named}), span(asked("two", model="o3")), span(asked("three"))])
    ask(client, [span(asked("four"))], service="search")

    found = {
        (each["service"], each["model"], each["prompt"]) for each in client.get("/v1/conversations").json()["streams"]
    }
    assert found == {
        ("shop", "gpt-4o", "triage@3"),
        ("shop", "o3", "unknown"),
        ("shop", "gpt-4o", "unknown"),
        ("search", "gpt-4o", "unknown"),
    }


_FLAT = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.content": "Where is it?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "On its way.",
}
_BODY = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "input.value": json.dumps({"messages": [{"role": "user", "content": "Where is it?"}]}),
    "output.value": json.dumps({"choices": [{"message": {"role": "assistant", "content": "On its way."}}]}),
}
_EVENTS = (
    ("gen_ai.user.message", 0.0, {"role": "user", "content": "Where is it?"}),
    ("gen_ai.choice", 0.1, {"role": "assistant", "content": "On its way."}),
)


@pytest.mark.parametrize(
    ("attributes", "events"),
    [(_FLAT, ()), (_BODY, ()), ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}, _EVENTS)],
    ids=["flattened lists", "bodies", "events"],
)
def test_texts_are_found_in_every_dialect(
    client: TestClient, attributes: dict[str, Any], events: tuple[tuple[str, float, dict[str, Any]], ...]
) -> None:
    ask(client, [span(attributes, events=events) for _ in range(40)])
    assert total(client, _OUTCOMES, outcome="measured") == 40
    assert total(client, "llm_text_baseline_ratio", text="prompt") == 0.1
    assert total(client, "llm_text_baseline_ratio", text="answer") == 0.1


def test_calls_that_failed_and_calls_that_embed_are_not_looked_at(client: TestClient) -> None:
    embeds = {**asked("Where is it?", None), "gen_ai.operation.name": "embeddings"}
    ask(client, [span(asked("Where is it?"), error="Error code: 500"), span(embeds), span(asked("Where is it?"))])
    assert total(client, _OUTCOMES, outcome="measured") == 1


def test_a_call_that_two_instrumentations_tell_of_is_looked_at_once(client: TestClient) -> None:
    outer = span(asked("Where is it?", gen_ai__response__id="chatcmpl-1"), seconds=1.0)
    inner = span(asked("Where is it?", gen_ai__response__id="chatcmpl-1"), seconds=0.5, parent=outer)
    ask(client, [outer, inner])
    assert total(client, "llm_requests_total") == 1
    assert total(client, _OUTCOMES, outcome="measured") == 1


def test_beyond_so_many_streams_calls_are_counted_and_not_watched(runtime: Runtime) -> None:
    told = Settings(limits=Limits(settle_seconds=0), conversations=Conversations(max_streams=2))
    with running(told, runtime) as client:
        ask(client, [span(asked("Where is it?", model=f"model-{number}")) for number in range(5)])
        assert total(client, _OUTCOMES, outcome="measured") == 2
        assert total(client, _OUTCOMES, outcome="too_many_streams") == 3
        assert len(client.get("/v1/conversations").json()["streams"]) == 2


def test_a_stream_that_is_silent_for_long_gives_its_place_to_a_new_one(runtime: Runtime) -> None:
    told = Settings(limits=Limits(settle_seconds=0, idle_series="1ms"), conversations=Conversations(max_streams=1))
    with running(told, runtime) as client:
        for model in ("old", "new"):
            ask(client, [span(asked("Where is it?", model=model))])
        assert [each["model"] for each in client.get("/v1/conversations").json()["streams"]] == ["new"]


def test_of_more_calls_than_are_looked_at_in_a_second_the_others_are_counted(runtime: Runtime) -> None:
    told = Settings(limits=Limits(settle_seconds=0), conversations=Conversations(max_per_second=10))
    with running(told, runtime) as client:
        ask(client, calls(["Where is it?"] * 1000), batch=1000)
        measured = total(client, _OUTCOMES, outcome="measured")
        assert 10 <= measured < 200
        assert total(client, _OUTCOMES, outcome="sampled_out") == 1000 - measured
        assert total(client, "llm_requests_total") == 1000


def test_a_full_queue_leaves_calls_out_and_the_measuring_of_spans_waits_for_nothing(
    settings: Settings, runtime: Runtime
) -> None:
    few = settings.conversations.model_copy(update={"queue_calls": 10})
    with running(settings.model_copy(update={"conversations": few}), runtime) as client:
        with conversations_of(client)._lock:  # as long as this is held nothing can be looked at
            for _ in range(5):
                send(client, *calls(["Where is it?"] * 100))
            assert total(client, "llm_requests_total") == 500
            assert total(client, "exporter_queue_items", queue="conversations") <= 10
        looked_at(client)
        measured, full = (total(client, _OUTCOMES, outcome=each) for each in ("measured", "queue_full"))
        assert full > 0
        assert measured + full == 500


def test_few_embeddings_a_second_are_shared_by_all_streams(runtime: Runtime, random: np.random.Generator) -> None:
    own = Conversations(baseline_calls=100, max_per_second=10_000, embeddings_per_second=60)
    told = Settings(limits=Limits(settle_seconds=0), drift=Drift(embedder="hashing"), conversations=own)
    with running(told, runtime) as client:
        spans = [span(asked(text, model=f"model-{at % 4}")) for at, text in enumerate(texts(random, 120))]
        ask(client, spans)
        state = unpack(conversations_of(client).state())
    embedded = [stream["meanings"]["prompt"]["learned"] for stream in state["streams"]]
    assert len(embedded) == 4
    assert min(embedded) > 0
    assert 60 <= sum(embedded) < 120


def test_texts_that_cannot_be_masked_are_counted_and_not_looked_at(runtime: Runtime) -> None:
    told = Settings(limits=Limits(settle_seconds=0), privacy=Privacy(max_chars=30))
    with running(told, runtime) as client:
        ask(client, calls(["Where is it?", "Where is it? " * 10]))
        assert total(client, _OUTCOMES, outcome="measured") == 1
        assert total(client, _OUTCOMES, outcome="not_masked") == 1


def test_without_embeddings_the_words_are_watched_all_the_same(runtime: Runtime, random: np.random.Generator) -> None:
    own = Conversations(baseline_calls=100, max_per_second=10_000, embeddings_per_second=0)
    told = Settings(limits=Limits(settle_seconds=0), drift=Drift(embedder="no.such:Embedder"), conversations=own)
    with running(told, runtime) as client:
        ask(client, calls(texts(random, 400)))
        features = {each.labels["feature"] for each in matching(client, "llm_text_drift_feature_detected")}
        assert features == {"length", "words", "word_length", "letter_share", "unknown_share"}


def test_after_a_change_that_was_meant_the_baseline_is_learned_anew(
    client: TestClient, random: np.random.Generator
) -> None:
    ask(client, calls(texts(random, 600)))
    ask(client, calls(texts(random, 300, COOKING)))
    assert total(client, "llm_text_drift_detected", text="prompt") == 1

    who = {"service": "shop", "model": "gpt-4o"}
    assert client.delete("/v1/conversations", params=who).status_code == 204
    assert client.delete("/v1/conversations", params=who).status_code == 404
    assert not any(matching(client, family) for family in _FAMILIES)
    ask(client, calls(texts(random, 800, COOKING)))

    assert total(client, "llm_text_drift_detected", text="prompt") == 0
