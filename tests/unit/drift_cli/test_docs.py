"""The pages on drift: their programs run and print what the pages say, their tables say what there is."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from observability.drift.__main__ import _parser
from observability.drift.corrections import BY_NAME as CORRECTIONS
from observability.drift.custom import GROUP
from observability.drift.detector import DriftResult
from observability.settings import Drift, Settings
from tests.support import ROOT

_DOCS = ROOT / "docs"
_PAGES = ("sequential-drift", "drift-cli", "custom-detectors")


class Block(NamedTuple):
    """What stands between fences."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (_DOCS / f"{page}.md").read_text(encoding="utf-8")
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def run_python(text: str, names: dict[str, Any]) -> str:
    """Run a program in the current folder, or write it there if its first line names a file; what it printed."""
    first = text.partition("\n")[0]
    if re.fullmatch(r"# \w+\.py", first):
        Path(first[2:]).write_text(text, encoding="utf-8")
        return ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "docs", "exec"), names)  # noqa: S102 - our own documentation
    return printed.getvalue()


def run_console(text: str, folder: Path) -> str:
    """The block as it looks after its commands, which begin with ``$``, were run one after the other."""
    commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    script = "".join(
        f"printf '%s\\n' {shlex.quote('$ ' + each)}; (exit $status); {each}; status=$?\n" for each in commands
    )
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", f"status=0\n{script}"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "exporter")},
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def assert_alike(told: str, real: str) -> None:
    """The same texts, and the same numbers but for what compilers and versions of scipy round otherwise."""
    number = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
    assert re.split(number, told) == re.split(number, real)
    numbers = [[float(each) for each in re.findall(number, text)] for text in (told, real)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-3, abs=0)


def entry_points(text: str, folder: Path) -> None:
    """Install, in ``folder``, what the ``pyproject.toml`` of a package says."""
    groups = tomllib.loads(text)["project"]["entry-points"]
    assert list(groups) == [GROUP]
    package = folder / "acme_drift-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-drift\nVersion: 1.0\n", encoding="utf-8")
    named = "".join(f"{name} = {value}\n" for name, value in groups[GROUP].items())
    (package / "entry_points.txt").write_text(f"[{GROUP}]\n{named}", encoding="utf-8")


def written(page: str, folder: Path) -> list[Block]:
    """The blocks of a page, with the outputs that its programs really have."""
    names: dict[str, Any] = {}
    printed = ""
    found = []
    for language, text in blocks(page):
        real = text
        if language == "python":
            printed = run_python(text, names)
        elif language == "text":
            real = printed
        elif language == "console":
            real = run_console(text, folder)
        elif language == "toml":
            entry_points(text, folder)
        found.append(Block(language, real))
    return found


@pytest.mark.parametrize("page", _PAGES)
def test_programs_print_what_the_page_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        for block, real in zip(blocks(page), written(page, tmp_path), strict=True):
            assert_alike(block.text, real.text)
    finally:
        sys.modules.pop("acme_drift", None)


@pytest.mark.parametrize("page", _PAGES)
def test_settings_of_a_page_are_valid(page: str) -> None:
    for block in blocks(page):
        if block.language == "yaml" and "jobs:" not in block.text:
            Settings.model_validate(yaml.safe_load(block.text))


def test_the_defaults_that_are_told_are_the_defaults() -> None:
    (example,) = (block.text for block in blocks("sequential-drift") if block.language == "yaml")
    assert Drift(**yaml.safe_load(example)["drift"]) == Drift()
    text = (_DOCS / "sequential-drift.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.,]+) \|", text, re.MULTILINE)
    assert len(rows) == 5
    for name, default in rows:
        assert getattr(Drift(), name) == float(default.replace(",", ""))


def test_the_pipeline_of_the_page_calls_the_command_as_it_is() -> None:
    (pipeline,) = (block.text for block in blocks("drift-cli") if "jobs:" in block.text)
    steps = yaml.safe_load(pipeline)["jobs"]["drift"]["steps"]
    commands = [shlex.split(step["run"]) for step in steps if "observability.drift" in step.get("run", "")]
    assert [_parser().parse_args(command[3:]).html for command in commands] == [Path("drift.html")]
    (kept,) = (step["with"]["path"].split() for step in steps if "upload" in step.get("uses", ""))
    assert set(kept) <= set(commands[0])
    for block in blocks("drift-cli"):
        for line in block.text.splitlines() if block.language == "sh" else ():
            _parser().parse_args(shlex.split(line)[3:])


def test_every_option_is_told_and_no_other() -> None:
    text = (_DOCS / "drift-cli.md").read_text(encoding="utf-8").partition("## Options")[2].partition("\n## ")[0]
    told = {
        option
        for row in re.findall(r"^\| (`--[^|]*) \|", text, re.MULTILINE)
        for option in re.findall("`(--[a-z-]+)`", row)
    }
    options = {
        option
        for action in _parser()._actions
        if not isinstance(action, argparse._HelpAction)
        for option in action.option_strings
    }
    assert told == options
    assert {name for name in CORRECTIONS if f"`{name}`" in text} == set(CORRECTIONS)


def test_every_field_of_a_result_that_a_detector_fills_is_told() -> None:
    text = (_DOCS / "custom-detectors.md").read_text(encoding="utf-8").partition("`DriftResult`:")[2].partition("##")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))
    assert told == {field.name for field in dataclasses.fields(DriftResult)} - {"adjusted_p_value"}


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in _PAGES:
        for target in re.findall(
            r"\]\(([\w/.-]+\.(?:md|png))(?:#[\w-]+)?\)", (_DOCS / f"{page}.md").read_text(encoding="utf-8")
        ):
            assert (_DOCS / target).exists(), f"{page}: {target}"


def _update() -> None:
    """Write the outputs into the pages anew: ``python -m tests.unit.drift_cli.test_docs``, in an empty folder."""
    sys.path.insert(0, str(Path.cwd()))
    for page in _PAGES:
        file = _DOCS / f"{page}.md"
        real = iter(written(page, Path.cwd()))
        text = re.sub(
            r"^```(\w+)\n(.*?)^```$",
            lambda found, real=real: f"```{found[1]}\n{next(real).text}```",  # type: ignore[misc]
            file.read_text(encoding="utf-8"),
            flags=re.MULTILINE | re.DOTALL,
        )
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _update()
