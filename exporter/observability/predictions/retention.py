"""What is too old, or too much, goes: in small steps, so that nobody who writes waits long."""

from __future__ import annotations

from sqlalchemy import Table, delete, func, select

from observability.predictions.schema import BASELINES, CONTENTS, LABELS, PREDICTIONS
from observability.predictions.store import PredictionStore
from observability.predictions.stored import Deleted

#: Rows that one transaction deletes.
STEP = 2000


def sweep(
    store: PredictionStore, *, now: float, max_age_seconds: float, max_rows: int, steps: int = 50, step: int = STEP
) -> Deleted:
    """Delete predictions and labels that came more than ``max_age_seconds`` before ``now``, the oldest predictions
    beyond ``max_rows``, and baselines of that age that are no longer current.

    At most ``steps`` transactions of ``step`` rows for each table: call it again for the rest. Age counts from the
    arrival, not from a timestamp that the sender chose. Runs in the thread that writes. Raises
    :class:`~observability.predictions.store.StoreError`.
    """
    oldest = now - max_age_seconds
    predictions = _below(store, PREDICTIONS, _bound(store, oldest, max_rows), steps, step)
    labels = _below(store, LABELS, _first_since(store, LABELS, oldest), steps, step)
    newest = select(func.max(BASELINES.c.seq)).group_by(BASELINES.c.model, BASELINES.c.version)
    stale = select(BASELINES.c.seq).where(BASELINES.c.created < oldest, BASELINES.c.seq.not_in(newest))
    with store.transaction() as transaction:
        transaction.connection.execute(delete(CONTENTS).where(CONTENTS.c.seq.in_(stale)))
        baselines = transaction.connection.execute(delete(BASELINES).where(BASELINES.c.seq.in_(stale))).rowcount
    if predictions or labels or baselines:
        store.compact()
    return Deleted(predictions, labels, baselines)


def _first_since(store: PredictionStore, table: Table, oldest: float) -> int:
    """The number of the first row that came at ``oldest`` or later; one more than the last if none did.

    Rows are numbered as they come, so this looks at those that go, and no others.
    """
    with store.reading() as connection:
        first = select(table.c.seq).where(table.c.received >= oldest).order_by(table.c.seq).limit(1)
        found = connection.execute(first).scalar_one_or_none()
        if found is None:
            found = (connection.execute(select(func.max(table.c.seq))).scalar_one() or 0) + 1
    return int(found)


def _bound(store: PredictionStore, oldest: float, max_rows: int) -> int:
    """The number below which predictions go."""
    bound = _first_since(store, PREDICTIONS, oldest)
    seq = PREDICTIONS.c.seq
    with store.reading() as connection:
        first, last = connection.execute(select(func.min(seq), func.max(seq))).one()
        if first is None or last - first < max_rows:
            return bound
        excess = connection.execute(select(func.count()).select_from(PREDICTIONS)).scalar_one() - max_rows
        if excess > 0:
            kept = connection.execute(select(seq).order_by(seq).offset(excess).limit(1)).scalar_one_or_none()
            bound = max(bound, last + 1 if kept is None else kept)
    return int(bound)


def _below(store: PredictionStore, table: Table, bound: int, steps: int, step: int) -> int:
    """Delete the rows numbered below ``bound``; how many were."""
    deleted = 0
    for _ in range(steps):
        some = select(table.c.seq).where(table.c.seq < bound).order_by(table.c.seq).limit(step)
        with store.transaction() as transaction:
            done = transaction.connection.execute(delete(table).where(table.c.seq.in_(some))).rowcount
        deleted += done
        if done < step:
            break
    return deleted
