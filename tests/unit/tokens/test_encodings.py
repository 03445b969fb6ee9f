"""tiktoken where its vocabulary is at hand, and never a connection."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from observability.tokens import TokenCounter, encodings
from observability.tokens.encodings import NotAtHandError, encoding_at_hand, encoding_from, local_vocabulary
from tests.support import ROOT
from tests.unit.tokens.support import known_counts

tiktoken = pytest.importorskip("tiktoken", reason="tiktoken is an optional dependency")

ADDRESS = "https://vocabularies.invalid/tiny_base.tiktoken"
NAME = hashlib.sha1(ADDRESS.encode(), usedforsecurity=False).hexdigest()


def tiny_vocabulary() -> bytes:
    """All bytes, and the merges that make ``to``, ``ken`` and ``token``."""
    tokens = [bytes([value]) for value in range(256)] + [b"to", b"ke", b"ken", b"token"]
    return b"\n".join(base64.b64encode(token) + f" {rank}".encode() for rank, token in enumerate(tokens))


def tiny_definitions(expected_hash: str) -> ModuleType:
    """A plugin module as tiktoken's own: one encoding, and a second that is defined by calling the first."""
    module = ModuleType("tiny_encodings")
    source = f'''
    from tiktoken.load import load_tiktoken_bpe

    def tiny_base():
        ranks = load_tiktoken_bpe("{ADDRESS}", expected_hash="{expected_hash}")
        return {{"name": "tiny_base", "pat_str": r"\\w+|\\W", "mergeable_ranks": ranks, "special_tokens": {{}}}}

    def tiny_chat():
        return {{**tiny_base(), "name": "tiny_chat"}}

    def other_format():
        return {{"name": "x", "mergeable_ranks": data_gym_to_mergeable_bpe_ranks("a", "b")}}
    '''
    exec(textwrap.dedent(source), vars(module))  # noqa: S102
    return module


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and no other place where vocabularies may lie."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    monkeypatch.setattr(encodings, "PACKAGES_WITH_VOCABULARIES", ())
    encoding_at_hand.cache_clear()
    yield tmp_path
    encoding_at_hand.cache_clear()


@pytest.mark.parametrize("name", ["tiny_base", "tiny_chat"])
def test_a_vocabulary_in_the_cache_is_used(folder: Path, name: str) -> None:
    (folder / NAME).write_bytes(tiny_vocabulary())
    encoding = encoding_from(tiny_definitions(hashlib.sha256(tiny_vocabulary()).hexdigest()), name)
    assert encoding.encode_ordinary("token to x") == [259, 32, 256, 32, ord("x")]


def test_a_vocabulary_that_another_package_ships_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder / "site" / "shipping_package"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    (package / "data" / NAME).write_bytes(tiny_vocabulary())
    monkeypatch.syspath_prepend(str(folder / "site"))
    monkeypatch.setattr(encodings, "PACKAGES_WITH_VOCABULARIES", (("shipping_package", "data"), ("absent", "data")))
    assert local_vocabulary(ADDRESS, None) == tiny_vocabulary()


def test_a_file_with_another_hash_is_passed_over_and_left_alone(folder: Path) -> None:
    (folder / NAME).write_bytes(b"something else")
    with pytest.raises(NotAtHandError):
        encoding_from(tiny_definitions(hashlib.sha256(tiny_vocabulary()).hexdigest()), "tiny_base")
    assert (folder / NAME).read_bytes() == b"something else"


@pytest.mark.parametrize("name", ["tiny_base", "other_format", "not_defined"])
def test_what_is_not_at_hand_is_said_so(folder: Path, name: str) -> None:
    with pytest.raises(NotAtHandError):
        encoding_from(tiny_definitions("0" * 64), name)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "gpt-oss-120b", "text-davinci-003", "gpt2"])
def test_without_a_vocabulary_the_count_is_approximate(folder: Path, model: str) -> None:
    counter = TokenCounter(model)
    assert counter.method == "approximation"
    assert counter.count("A few words.") > 0
    assert list(folder.iterdir()) == []


def test_with_a_vocabulary_the_count_is_exact(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / NAME).write_bytes(tiny_vocabulary())
    tiny = tiny_definitions(hashlib.sha256(tiny_vocabulary()).hexdigest())
    vars(tiny)["o200k_base"] = vars(tiny)["tiny_base"]
    monkeypatch.setattr(encodings, "_DEFINITIONS", "tiny_encodings")
    monkeypatch.setitem(sys.modules, "tiny_encodings", tiny)
    counter = TokenCounter("gpt-4o")
    assert counter.method == "tiktoken"
    assert (counter.expected_error, counter.expected_error_p95) == (0.0, 0.0)
    assert counter.count("token") == 1
    assert counter.count("token " * 60_000) == pytest.approx(120_000, abs=4), "a long text goes through in slices"
    assert counter.count("\ud800") == 1, "a lone surrogate is no reason to fail"


def test_no_name_is_looked_up_and_no_connection_opened(tmp_path: Path) -> None:
    script = """
    import sys

    def refuse(event, arguments):
        if event.startswith("socket.") and event != "socket.gethostname":
            raise AssertionError(f"{event} {arguments}")

    sys.addaudithook(refuse)
    from observability.tokens import TokenCounter, estimate_usage

    for model in ("gpt-4o", "gpt-4", "gpt-5", "gpt-oss-20b", "o3", "text-davinci-003", "claude-sonnet-4-5", "gemini-3"):
        counter = TokenCounter(model)
        assert counter.method == "approximation", model
        assert counter.count_messages([{"role": "user", "content": [{"type": "image_url", "image_url": {"url":
            "https://example.invalid/a.png"}}]}], [{"type": "function", "function": {"name": "f"}}]) > 0
        estimate_usage(model, "hello", "world")
        counter.calculate_cost(10, 10)
    """
    environment = {
        "PYTHONPATH": str(ROOT / "exporter"),
        "TIKTOKEN_CACHE_DIR": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("model", "family"), [("gpt-4o", "o200k"), ("gpt-4", "cl100k")])
def test_the_real_encoding_counts_as_the_known_counts_say(model: str, family: str) -> None:
    counter = TokenCounter(model)
    if counter.method != "tiktoken":
        pytest.skip(f"the vocabulary of {model} is not on this machine, and a test does not fetch it")
    assert [counter.count(known.text) for known in known_counts()] == [known.counts[family] for known in known_counts()]
