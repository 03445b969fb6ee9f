"""What a model has to tell waits for an exporter that is away, within bounds, and nothing is lost in silence."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.diagnosis.model import Diagnosis
from demo.serving import outbox as module
from demo.serving.exporter import Exporter, Kind, Refused, Unavailable, kind_of
from demo.serving.outbox import FIRST_PAUSE, LONGEST_PAUSE, Backoff, Outbox
from tests.components import free_port
from tests.support import poll
from tests.unit.demo.models import running_exporter, samples
from tests.unit.demo.support import Receiver

#: Counts what came twice.
KNOWN = "ml_duplicate_predictions_total"


@dataclass
class Clock:
    """Seconds that pass only when told so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class Away:
    """An address where an exporter is only while :meth:`there` lasts, and an outbox that posts to it."""

    def __init__(self, folder: Path, capacity: int = 1000) -> None:
        self.folder = folder
        self.port = free_port()
        self.clock = Clock()
        self.said: list[str] = []
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)
        self.outbox = Outbox(
            Exporter(self.http), self.said.append, capacity=capacity, draw=random.Random(1), clock=self.clock
        )

    @contextmanager
    def there(self) -> Iterator[httpx.Client]:
        with running_exporter(self.folder, self.port) as client:
            yield client


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    made = Away(tmp_path)
    with made.http:
        yield made


def predictions(count: int, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [
        {"prediction_id": f"p{number}", "model": "m", "features": {"a": 1.5}, "prediction": "yes", **more}
        for number in range(first, first + count)
    ]


def labels(count: int) -> list[dict[str, Any]]:
    return [{"prediction_id": f"p{number}", "label": "no"} for number in range(count)]


def stored(client: httpx.Client, number: int) -> dict[str, Any] | None:
    answer = client.get(f"/v1/audit/p{number}")
    found: dict[str, Any] | None = answer.json() if answer.is_success else None
    return found


def test_an_exporter_that_is_away_is_told_once_and_gets_everything_when_it_is_back(away: Away) -> None:
    outbox = away.outbox
    with away.there():
        outbox.put(Kind.PREDICTIONS, predictions(10))
        outbox.flush()
    for round_ in range(1, 121):  # two minutes without it
        outbox.put(Kind.PREDICTIONS, predictions(5, 5 + 5 * round_))
        outbox.flush()
        away.clock.wait(1.0)
    assert outbox.waiting == 600
    assert len(away.said) == 1
    assert "takes nothing" in away.said[0]

    away.clock.wait(LONGEST_PAUSE)
    with away.there() as client:
        outbox.put(Kind.LABELS, labels(610))
        outbox.flush()
        assert outbox.waiting == 0
        found = [stored(client, number) for number in (0, 9, 10, 609)]
    assert all(each is not None for each in found)
    assert dict(outbox.counts) == {"predictions": 610, "labels": 610, "rejected": 0, "outages": 1}
    assert len(away.said) == 2
    assert "is back after 130 s" in away.said[1]


def test_it_survives_any_number_of_restarts(away: Away) -> None:
    for restart in range(3):
        away.outbox.put(Kind.PREDICTIONS, predictions(2, 4 * restart))
        away.outbox.flush()
        away.clock.wait(LONGEST_PAUSE)
        with away.there():
            away.outbox.put(Kind.PREDICTIONS, predictions(2, 4 * restart + 2))
            away.outbox.flush()
    assert away.outbox.counts["predictions"] == 12
    assert away.outbox.counts["outages"] == 3
    assert len(away.said) == 6


def test_beyond_its_capacity_the_oldest_are_lost_and_counted(tmp_path: Path) -> None:
    away = Away(tmp_path, capacity=10)
    with away.http:
        away.outbox.put(Kind.PREDICTIONS, predictions(25))
        away.outbox.put(Kind.LABELS, labels(12))
        with away.there() as client:
            away.outbox.flush()
            assert stored(client, 14) is None
            assert stored(client, 15) is not None
            assert stored(client, 24) is not None
    assert dict(away.outbox.counts) == {
        "predictions": 10, "labels": 10, "lost_predictions": 15, "lost_labels": 2, "rejected": 0,
    }  # fmt: skip


def test_at_the_end_it_waits_for_the_exporter_for_a_while_and_counts_what_is_left(away: Away) -> None:
    away.outbox.put(Kind.PREDICTIONS, predictions(7))
    away.outbox.put(Kind.LABELS, labels(3))
    begin = away.clock.now
    away.outbox.drain(15.0, away.clock.wait)
    assert away.clock.now == pytest.approx(begin + 15)
    assert away.outbox.waiting == 0
    assert (away.outbox.counts["lost_predictions"], away.outbox.counts["lost_labels"]) == (7, 3)


def test_at_the_end_an_exporter_that_comes_back_in_time_gets_all(away: Away) -> None:
    away.outbox.put(Kind.PREDICTIONS, predictions(7))
    away.outbox.flush()
    with away.there():
        away.outbox.drain(15.0, away.clock.wait)
    assert away.outbox.counts["predictions"] == 7
    assert away.outbox.counts["lost_predictions"] == 0


def test_nothing_is_sent_while_the_pause_lasts(away: Away) -> None:
    away.outbox.put(Kind.PREDICTIONS, predictions(1))
    away.outbox.flush()
    with away.there():
        away.outbox.flush()
        assert away.outbox.waiting == 1
        away.clock.wait(FIRST_PAUSE)
        away.outbox.flush()
        assert away.outbox.waiting == 0


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    assert backoff.due
    pauses: list[float] = []
    for _ in range(8):
        backoff.failed()
        assert not backoff.due
        pauses.append(backoff.left)
        clock.wait(backoff.left)
        assert backoff.due
    assert pauses == [0.5, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    backoff.worked()
    backoff.failed()
    assert backoff.left == FIRST_PAUSE


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_an_exporter_that_says_not_now_is_one_that_is_away(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with httpx.Client(base_url=receiver.url, trust_env=False) as http:
        with pytest.raises(Unavailable, match=f"HTTP {status}"):
            Exporter(http).post(Kind.PREDICTIONS, predictions(1))
        outbox = Outbox(Exporter(http), print, clock=Clock())
        outbox.put(Kind.PREDICTIONS, predictions(1))
        outbox.flush()
    assert outbox.waiting == 1


def test_what_is_refused_for_good_is_counted_with_its_reason_and_does_not_stop_the_rest(away: Away) -> None:
    with away.there() as client:
        away.outbox.put(Kind.PREDICTIONS, predictions(2, latency_seconds=-1))
        away.outbox.flush()
        away.outbox.put(Kind.PREDICTIONS, [*predictions(2, 10), *predictions(1, 20, latency_seconds=-1)])
        away.outbox.flush()
        assert stored(client, 0) is None
        assert stored(client, 11) is not None
    assert dict(away.outbox.counts) == {"predictions": 2, "rejected": 3}
    assert "HTTP 422" in away.outbox.refusal
    assert away.said == []


def test_sending_twice_changes_nothing(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 1.0)
    with away.there() as client:
        away.outbox.put(Kind.PREDICTIONS, predictions(5))
        away.outbox.flush()
        poll("five are known", lambda: sum(each.value for each in samples(client, KNOWN)) == 5)
    assert away.outbox.counts["predictions"] == 5


def test_infinite_numbers_go_as_a_table_and_arrive(away: Away) -> None:
    patients = Diagnosis(1).draw(2)
    broken = {**patients[0].features, "mean radius": float("inf")}
    items = [
        {**predictions(1)[0], "features": broken, "segment": patients[0].segment},
        {**predictions(1, 1)[0], "features": broken, "error_type": "Timeout", "prediction": None},
    ]
    assert {kind_of(item) for item in items} == {Kind.TABLES}
    assert kind_of(predictions(1)[0]) is Kind.PREDICTIONS
    with away.there() as client:
        away.outbox.put(Kind.TABLES, items)
        away.outbox.flush()
        found = stored(client, 0)
    assert found is not None
    assert found["features"] == {**patients[0].features, "mean radius": "Infinity"}
    assert away.outbox.counts["predictions"] == 2


def test_a_baseline_waits_for_the_exporter_and_is_given_up_only_when_told_so(away: Away) -> None:
    stop = threading.Event()
    model = Diagnosis(1)
    (version, _) = model.train()
    table = model.baseline(version)
    waiting = threading.Thread(target=away.outbox.baseline, args=("diagnosis", version, table, stop))
    stop.set()
    waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()
    with away.there() as client:
        away.outbox.baseline("diagnosis", version, table, threading.Event())
        assert client.get("/v1/baselines/diagnosis", params={"version": version}).json()["rows"] == 2000
        with pytest.raises(Refused, match="HTTP 400"):
            away.outbox.baseline("diagnosis", version, b"no table", threading.Event())
