"""``observability.yml``: what is accepted, and how precisely everything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.settings import Runtime, Settings, SettingsError, load, seconds
from tests.support import ROOT


def refusal(tmp_path: Path, text: str) -> list[str]:
    """The lines of the error for a file with ``text``, without the file's name."""
    file = tmp_path / "observability.yml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(file)
    return [line.removeprefix(f"{file}: ") for line in str(raised.value).splitlines()]


def test_the_committed_file_is_the_defaults() -> None:
    assert load(ROOT / "observability.yml") == Settings()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yml").write_text("# nothing\n")
    assert load(tmp_path / "empty.yml") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alertz: {}", ["alertz: unknown key"]),
        ("alerts: {high_llm_latency: {p95: 3}}", ["alerts.high_llm_latency.p95: unknown key"]),
        ("budgets: 3", ["budgets: must be a list"]),
        ("alerts: 3", ["alerts: must be a mapping"]),
        ("budgets: [{name: team}]", ["budgets.0.limit_usd: is required"]),
        (
            "alerts: {high_llm_error_rate: {ratio: 5}}",
            ["alerts.high_llm_error_rate.ratio: Input should be less than 1"],
        ),
        ("limits: {queue_batches: 0}", ["limits.queue_batches: Input should be greater than 0"]),
        ("- a", ["the top level must be a mapping, not list"]),
    ],
)
def test_a_wrong_key_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: list[str]) -> None:
    assert refusal(tmp_path, text) == said


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, "alertz: {}\nlimits: {nothing: 1}\n")) == 2


def test_a_duration_that_prometheus_would_refuse_is_refused(tmp_path: Path) -> None:
    [line] = refusal(tmp_path, "alerts: {window: 5 minutes}")
    assert line.startswith("alerts.window: ")


def test_two_budgets_of_one_name_are_refused(tmp_path: Path) -> None:
    [line] = refusal(tmp_path, "budgets: [{name: a, limit_usd: 1}, {name: a, limit_usd: 2}]")
    assert "the name 'a' is used twice" in line


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a: [1")[0].startswith("not YAML: ")


def test_a_named_file_must_exist_and_the_default_one_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()
    with pytest.raises(SettingsError, match=r"gone\.yml: no such file"):
        load("gone.yml")
    with pytest.raises(SettingsError, match=r"gone\.yml: no such file"):
        load(environ={"OBSERVABILITY_CONFIG": "gone.yml"})


@given(hours=st.integers(0, 99), minutes=st.integers(0, 59), rest=st.integers(0, 59))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize("text", ["", "5", "m", "1.5h", "-1m", "5 m", "1h "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        seconds(text)


@pytest.mark.parametrize("port", ["http", "-1", "65536", "9464.0"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(SettingsError, match=f"EXPORTER_PORT: '{port}' is not a port"):
        Runtime.from_environ({"EXPORTER_PORT": port})


def test_an_empty_variable_is_as_good_as_unset() -> None:
    assert Runtime.from_environ({"EXPORTER_PORT": "", "PHOENIX_URL": "", "EXPORTER_LOG_FILE": ""}) == Runtime()
