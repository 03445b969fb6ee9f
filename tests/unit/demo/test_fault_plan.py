"""When calls fail: exactly the share that was asked for, evenly spread, and every common kind soon."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.simulator.errors import Kind
from demo.simulator.faults import DEFAULT_ERROR_RATIO, FaultPlan, Faults


@given(seed=st.integers(), ratio=st.floats(0, 1), calls=st.integers(0, 400))
def test_the_share_of_errors_is_exact_but_for_rounding(seed: int, ratio: float, calls: int) -> None:
    plan = FaultPlan(seed, Faults(error_ratio=ratio))
    failed = sum(plan.next("caller", "model", "chat") is not None for _ in range(calls))
    assert math.floor(calls * ratio - 1e-6) <= failed <= math.ceil(calls * ratio + 0.3)


@given(seed=st.integers(), calls=st.integers(1, 1000))
def test_the_usual_share_never_reaches_the_five_percent_at_which_the_alert_fires(seed: int, calls: int) -> None:
    plan = FaultPlan(seed)
    failed = sum(plan.next("caller", "model", "chat") is not None for _ in range(calls))
    assert failed / calls < 0.05


@given(seed=st.integers())
def test_every_window_of_a_few_hundred_calls_stays_below_five_percent(seed: int) -> None:
    plan = FaultPlan(seed)
    errors = [plan.next("caller", "model", "chat") is not None for _ in range(600)]
    assert max(sum(errors[start : start + 120]) for start in range(480)) / 120 < 0.05


def test_callers_and_models_have_their_own_share() -> None:
    plan = FaultPlan(1, Faults(error_ratio=0.1))
    failed: Counter[tuple[str, str]] = Counter()
    for _ in range(100):
        for caller in ("one", "two"):
            for model in ("small", "large"):
                failed[caller, model] += plan.next(caller, model, "chat") is not None
    assert set(failed.values()) == {10}


def test_the_first_five_errors_are_the_five_common_kinds() -> None:
    plan = FaultPlan(7, Faults(error_ratio=1))
    kinds = [plan.next("caller", "model", "chat") for _ in range(5)]
    assert set(kinds) == {
        Kind.RATE_LIMIT_EXCEEDED,
        Kind.TIMEOUT,
        Kind.CONTENT_FILTER,
        Kind.MODEL_NOT_FOUND,
        Kind.INVALID_REQUEST,
    }


def test_embeddings_get_no_error_that_embeddings_do_not_have() -> None:
    plan = FaultPlan(7, Faults(error_ratio=1))
    kinds = {plan.next("caller", "model", "embeddings") for _ in range(20)}
    assert kinds == {Kind.RATE_LIMIT_EXCEEDED, Kind.TIMEOUT, Kind.SERVER_ERROR}


@pytest.mark.parametrize("kind", list(Kind))
def test_one_kind_can_be_asked_for(kind: Kind) -> None:
    plan = FaultPlan(7, Faults(error_ratio=1, kind=kind))
    assert {plan.next("caller", "model", "chat") for _ in range(10)} == {kind}


def test_without_faults_nothing_fails() -> None:
    plan = FaultPlan(7, Faults(error_ratio=0))
    assert [plan.next("caller", "model", "chat") for _ in range(500)] == [None] * 500
    assert 0 < DEFAULT_ERROR_RATIO < 0.05
