"""Builds with a real Go and a tiny module; what is wrong with a machine is said before anything is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from native.build import Remaining, build, find, in_cache, preflight
from native.components import GO_BINARIES, GoBinary
from native.context import Context
from native.errors import Interrupted, NativeError
from native.golang import find_go, require, require_disk
from native.progress import Progress, spell
from tests.support import poll
from tests.unit.native.conftest import native

TINY = GoBinary("tiny", "tiny", "example.test/tiny", "main.version={version}", weight=1)
SOURCE = 'package main\n\nimport "fmt"\n\nvar version string\n\nfunc main() { fmt.Println("tiny", version) }\n'

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on this machine")


@pytest.fixture
def tiny(context: Context, tmp_path: Path) -> Context:
    """A repository with one small Go program, built with this machine's Go."""
    repo = tmp_path / "repo"
    module = repo / "native" / "tiny"
    module.mkdir(parents=True)
    (repo / ".env").write_text("TINY_VERSION=v1.2.3\n")
    (module / "go.mod").write_text("module example.test/tiny\n\ngo 1.21\n")
    (module / "main.go").write_text(SOURCE)
    return replace(context, repo=repo, environ=dict(os.environ))


def run(path: Path) -> str:
    return subprocess.run([str(path)], capture_output=True, text=True, check=True).stdout.strip()


@needs_go
def test_a_build_lands_in_the_cache_with_its_version_and_is_made_once(tiny: Context) -> None:
    assert find(TINY, tiny) == (None, "")
    with Progress() as progress:
        built = build(TINY, tiny, progress, threading.Event())
    assert run(built.path) == "tiny 1.2.3"
    assert built.path == tiny.cache / "bin" / "tiny-1.2.3" / "tiny"
    assert find(TINY, tiny)[0] == built
    with Progress() as progress:
        assert build(TINY, tiny, progress, threading.Event()) == built
    assert sorted(file.name for file in built.path.parent.iterdir()) == [".lock", "build.json", "build.log", "tiny"]


@needs_go
def test_a_changed_pin_is_a_new_build_and_a_changed_comment_is_not(tiny: Context) -> None:
    with Progress() as progress:
        build(TINY, tiny, progress, threading.Event())
    go_mod = tiny.repo / "native" / "tiny" / "go.mod"
    go_mod.write_text("// a remark\n" + go_mod.read_text())
    assert in_cache(TINY, tiny) is not None
    go_mod.write_text("module example.test/tiny\n\ngo 1.22\n")
    assert in_cache(TINY, tiny) is None


@needs_go
def test_a_build_that_fails_names_the_component_the_last_lines_and_the_log(tiny: Context) -> None:
    (tiny.repo / "native" / "tiny" / "main.go").write_text(SOURCE.replace("fmt.Println", "fmt.Sprout"))
    with Progress() as progress, pytest.raises(NativeError) as caught:
        build(TINY, tiny, progress, threading.Event())
    message = str(caught.value)
    log = tiny.cache / "bin" / "tiny-1.2.3" / "build.log"
    assert message.startswith("tiny: the build failed with exit status 1\n")
    assert "undefined: fmt.Sprout" in message
    assert message.endswith(f"log: {log}")
    assert "undefined: fmt.Sprout" in log.read_text()
    assert in_cache(TINY, tiny) is None
    assert not (log.parent / "tiny").exists()


@needs_go
def test_a_module_that_is_not_complete_is_not_resolved_anew(tiny: Context) -> None:
    main = tiny.repo / "native" / "tiny" / "main.go"
    main.write_text(SOURCE.replace('"fmt"', '"fmt"\n\nimport _ "golang.org/x/mod/semver"'))
    with Progress() as progress, pytest.raises(NativeError, match="import lookup disabled by -mod=readonly"):
        build(TINY, tiny, progress, threading.Event())
    assert (tiny.repo / "native" / "tiny" / "go.mod").read_text() == "module example.test/tiny\n\ngo 1.21\n"


@needs_go
def test_a_second_run_waits_for_the_one_that_builds_and_can_be_interrupted(tiny: Context) -> None:
    lock = tiny.cache / "bin" / "tiny-1.2.3" / ".lock"
    lock.parent.mkdir(parents=True)
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        cancelled = threading.Event()
        caught: list[BaseException] = []
        with Progress() as progress:

            def attempt() -> None:
                try:
                    build(TINY, tiny, progress, cancelled)
                except Interrupted as error:
                    caught.append(error)

            thread = threading.Thread(target=attempt)
            thread.start()
            poll("the remark", lambda: "another run is building it" in "".join(progress.lines()))
            cancelled.set()
            thread.join(timeout=10)
        assert caught
        holder.kill()


def test_a_machine_without_go_is_told_what_it_is_for(commands: Callable[..., str]) -> None:
    with pytest.raises(NativeError, match=r"loki has to be built, and there is no Go on PATH.*https://go\.dev/dl/"):
        find_go({"PATH": commands()}, "loki")


def fake_go(version: str, toolchain: str) -> str:
    return f'echo \'{{"GOVERSION": "{version}", "GOTOOLCHAIN": "{toolchain}", "GOMODCACHE": "/", "GOCACHE": "/"}}\''


def test_a_go_that_is_too_old_and_may_fetch_no_other_is_refused(context: Context, commands: Callable[..., str]) -> None:
    path = commands(go=fake_go("go1.24.1", "local"))
    done = native(context, "build", "prometheus", PATH=path)
    assert done.returncode == 1
    assert f"prometheus 3.16.0 needs Go 1.26.7 or newer, and {path}/go is 1.24.1" in done.stderr
    assert "GOTOOLCHAIN=auto" in done.stderr


def test_a_go_that_is_too_old_but_fetches_a_newer_one_is_used_and_says_so(commands: Callable[..., str]) -> None:
    go = find_go({"PATH": commands(go=fake_go("go1.22.0", "auto"))}, "loki")
    assert (go.version, go.fetches_newer) == ((1, 22, 0), True)
    remark = require(go, (1, 26, 5), "loki 3.7.8")
    assert remark == "Go 1.22.0 is older than 1.26.5, which loki 3.7.8 needs: the go command fetches that one itself"
    assert require(go, (1, 21, 0), "something older") is None


def test_a_go_before_toolchains_fetches_nothing(commands: Callable[..., str]) -> None:
    go = find_go({"PATH": commands(go=fake_go("go1.20.5", ""))}, "loki")
    with pytest.raises(NativeError, match=r"needs Go 1\.26\.5 or newer"):
        require(go, (1, 26, 5), "loki")


def test_a_go_that_fails_is_quoted(commands: Callable[..., str]) -> None:
    with pytest.raises(NativeError, match="env failed: broken installation"):
        find_go({"PATH": commands(go="echo broken installation >&2; exit 2")}, "loki")


def test_too_little_disk_is_said_before_anything_is_built(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    require_disk((tmp_path / "not" / "there" / "yet",), free // 2, "jaeger")
    with pytest.raises(NativeError, match=r"no disk for building jaeger: it takes about .* GiB, and .* GiB free"):
        require_disk((tmp_path / "not" / "there" / "yet",), free * 2, "jaeger")


def test_nothing_to_build_asks_for_no_go(context: Context, commands: Callable[..., str]) -> None:
    assert preflight([], replace(context, environ={"PATH": commands()})) == []


@pytest.mark.parametrize(
    ("says", "used", "remark"),
    [
        ("echo prometheus, version 3.5.1", True, ""),
        ("echo prometheus, version 2.54.0", False, "is version 2.54.0, not 3.16.0; building prometheus 3.16.0 instead"),
        ("echo what", False, "does not say its version; building prometheus 3.16.0 instead"),
    ],
)
def test_a_binary_on_path_is_used_if_its_major_version_fits(
    context: Context, commands: Callable[..., str], says: str, used: bool, remark: str
) -> None:
    path = commands(prometheus=says)
    found, said = find(GO_BINARIES["prometheus"], replace(context, environ={"PATH": path}))
    assert (found is not None) == used
    if found is not None:
        assert (str(found.path), found.version, found.source) == (f"{path}/prometheus", "3.5.1", "PATH")
    assert said == (f"{path}/prometheus {remark}" if remark else "")


def test_what_is_left_names_the_binaries_and_a_time_that_follows_what_was_seen() -> None:
    binaries = [GO_BINARIES["prometheus"], GO_BINARIES["jaeger"]]
    remaining = Remaining(binaries)
    assert str(remaining).startswith("left to build: prometheus, jaeger, about ")
    remaining.start(binaries[0])
    assert "left to build: jaeger, about " in str(remaining)
    remaining.finish()
    remaining.start(binaries[1])
    assert str(remaining).startswith("left to build: nothing more, about ")
    remaining.finish()
    assert str(remaining) == ""


@pytest.mark.parametrize(("seconds", "text"), [(9, "9s"), (75, "1m15s"), (4000, "1h06m"), (0.4, "0s")])
def test_times_are_spelt_short(seconds: float, text: str) -> None:
    assert spell(seconds) == text
