"""The page: formats, exemplars, bounded labels, absent families, and what promtool thinks of it."""

from __future__ import annotations

import re
import subprocess

import pytest
from fastapi.testclient import TestClient

from observability import catalogue
from observability.metrics import OTHER
from observability.settings import Budget, Limits, Settings
from tests.components import binary
from tests.support import poll
from tests.unit.exporter.support import OPENMETRICS, chat, matching, samples, send, span, total

LABEL_VALUES = 20


@pytest.fixture
def settings() -> Settings:
    return Settings(
        limits=Limits(label_values=LABEL_VALUES, label_length=32, settle_seconds=0),
        budgets=(Budget(name="late", limit_usd=1, model="late-comer"),),
    )


def traffic(client: TestClient) -> None:
    send(
        client,
        span(chat(), seconds=0.7),
        span(chat(gen_ai__usage__cache_read__input_tokens=40, gen_ai__response__time_to_first_chunk=0.1)),
        span(chat("acme-9000")),
        span(chat(), error="Error code: 429"),
        span({"openinference.span.kind": "RETRIEVER"}, name="store"),
    )


def test_promtool_is_content_with_the_page(client: TestClient) -> None:
    tool = binary("promtool")
    traffic(client)
    page = client.get("/metrics")
    checked = subprocess.run(
        [tool, "check", "metrics"], input=page.content, capture_output=True, check=False, timeout=60
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_plain_request_gets_the_text_format_without_exemplars(client: TestClient) -> None:
    traffic(client)
    page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert " # {" not in page.text
    assert "# EOF" not in page.text


def test_openmetrics_has_the_trace_of_a_call_as_exemplar_of_its_latency_and_error(client: TestClient) -> None:
    slow, failed = span(chat(), seconds=0.7), span(chat(), seconds=0.01, error="Error code: 429")
    send(client, slow, failed)
    exemplars = {
        each.exemplar.labels["trace_id"]
        for each in samples(client)
        if each.name == catalogue.LLM_REQUEST_LATENCY.bucket and each.exemplar
    }
    assert exemplars == {slow.trace_id.hex(), failed.trace_id.hex()}
    (error,) = matching(client, "llm_errors_total")
    assert error.exemplar is not None
    assert error.exemplar.labels == {"trace_id": failed.trace_id.hex()}
    assert client.get("/metrics", headers=OPENMETRICS).text.endswith("# EOF\n")


def test_families_without_data_have_no_series(client: TestClient) -> None:
    page = client.get("/metrics").text
    for family in catalogue.EXPOSED:
        assert f"# HELP {family.name} " in page
        if family.name.startswith(("llm_", "rag_", "data_")) and "budget" not in family.labels:
            assert not re.search(rf"^{family.name}(_bucket|_sum|_count)?[{{ ]", page, re.MULTILINE), family.name


def test_every_family_on_the_page_is_in_the_catalogue_or_about_the_process(client: TestClient) -> None:
    traffic(client)
    names = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").text, re.MULTILINE))
    assert {name for name in names if not name.startswith(("process_", "python_"))} == {
        family.name for family in catalogue.EXPOSED
    }
    assert {"process_resident_memory_bytes", "python_info"} <= names


def test_labels_are_those_of_the_catalogue(client: TestClient) -> None:
    traffic(client)
    for each in samples(client):
        base = re.sub(r"_(bucket|sum|count)$", "", each.name)
        family = catalogue.BY_NAME.get(each.name) or catalogue.BY_NAME.get(base)
        if family is not None:
            assert set(each.labels) - {"le"} == set(family.labels), each.name


def test_both_outcomes_exist_from_the_first_call_on(client: TestClient) -> None:
    send(client, span(chat()))
    assert {each.labels["status"]: each.value for each in matching(client, "llm_requests_total")} == {
        "success": 1,
        "error": 0,
    }


def test_ten_thousand_models_stay_a_bounded_number_of_series_and_lose_no_call(client: TestClient) -> None:
    for start in range(0, 10_000, 2500):
        send(client, *(span(chat(f"model-{number}")) for number in range(start, start + 2500)))
    models = {each.labels["model"] for each in matching(client, "llm_requests_total")}
    assert len(models) <= LABEL_VALUES + 1
    assert OTHER in models
    assert total(client, "llm_requests_total") == 10_000
    assert total(client, "llm_token_usage_total") == 1_200_000
    shown = total(client, "llm_requests_total") - total(client, "llm_requests_total", model=OTHER)
    assert total(client, "exporter_folded_series_total", family="llm_token_usage_total", label="model") == 2 * (
        10_000 - shown
    )
    assert len(samples(client)) < 2000


def test_a_model_that_the_settings_name_is_never_folded(client: TestClient) -> None:
    send(client, *(span(chat(f"model-{number}")) for number in range(100)), span(chat("late-comer")))
    assert total(client, "llm_requests_total", model="late-comer") == 1


def test_a_long_label_value_is_cut(client: TestClient) -> None:
    send(client, span(chat("m" * 500)))
    assert total(client, "llm_requests_total", model="m" * 32, status="success") == 1


def test_odd_label_values_come_out_as_they_went_in(client: TestClient) -> None:
    odd = 'mo"del\\with\nüñí'
    send(client, span(chat(odd)))
    assert total(client, "llm_requests_total", model=odd, status="success") == 1


def test_an_unpriced_model_is_counted_and_costs_nothing_that_anyone_invented(client: TestClient) -> None:
    send(client, span(chat("acme-9000")), span(chat("gpt-4o")))
    assert total(client, "llm_unpriced_requests_total", provider="openai", model="acme-9000") == 1
    assert {each.labels["model"] for each in matching(client, "llm_token_cost_usd_total")} == {"gpt-4o"}
    assert {each.labels["model"] for each in matching(client, "llm_daily_cost_usd")} == {"gpt-4o"}


def test_cost_by_type_is_tokens_times_price(client: TestClient) -> None:
    send(client, span(chat(gen_ai__usage__cache_read__input_tokens=40)))
    costs = {each.labels["type"]: each.value for each in matching(client, "llm_token_cost_usd_total")}
    assert costs == pytest.approx({"input": 60 * 2.5e-6, "cache_read": 40 * 1.25e-6, "output": 20 * 1e-5})


def test_an_error_counts_under_the_model_that_answers_the_calls_for_its_name(client: TestClient) -> None:
    answered = chat("gpt-4o", gen_ai__response__model="gpt-4o-2024-08-06")
    refused = {key: value for key, value in chat("gpt-4o").items() if "response" not in key}
    send(client, span(answered), span(refused, error="Error code: 429"))
    assert {each.labels["model"] for each in matching(client, "llm_requests_total")} == {"gpt-4o-2024-08-06"}


def test_the_lag_is_the_time_since_the_span_ended(client: TestClient) -> None:
    send(client, span(chat()))
    assert total(client, "exporter_span_lag_seconds_count") == 1
    assert 0 <= total(client, "exporter_span_lag_seconds_sum") < 30


def test_the_queue_is_on_the_page(client: TestClient) -> None:
    queues = [each.labels["queue"] for each in matching(client, "exporter_queue_items")]
    assert queues == ["measure", "keep", "conversations"]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("observability.pipeline.translate", "a batch of 1 spans could not be read"),
        ("observability.measure.Meter.measure", "1 spans could not be measured"),
    ],
)
def test_a_batch_that_cannot_be_measured_is_counted_and_logged_and_the_next_one_is_measured(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str, said: str
) -> None:
    failed = {"signal": "traces", "reason": "measure_failed"}
    with monkeypatch.context() as broken:
        broken.setattr(step, lambda *_a, **_k: 1 / 0)
        send(client, span(chat()))
        poll("the failure is counted", lambda: total(client, "exporter_rejected_total", **failed) == 1, deadline=30)
        poll("the failure is logged", lambda: said in caplog.text, deadline=30)
    send(client, span(chat()))
    poll("the next call is counted", lambda: total(client, "llm_requests_total") == 1, deadline=30)
    assert total(client, "exporter_rejected_total", **failed) == 1


def test_openmetrics_says_when_a_counter_began_and_the_text_format_does_not(client: TestClient) -> None:
    traffic(client)
    openmetrics = client.get("/metrics", headers=OPENMETRICS).text
    assert re.search(r"^llm_requests_created\{.+\} \d", openmetrics, re.MULTILINE)
    assert re.search(r"^llm_request_latency_seconds_created\{.+\} \d", openmetrics, re.MULTILINE)
    assert "_created" not in client.get("/metrics").text
