"""Embedding drift: MMD with a permutation test on one core, against alibi-detect; and what a text costs as features.

``python -m bench.mmd`` measures in this process and prints seconds as JSON; :func:`run` starts it with one thread.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import peers
from bench.result import Result
from observability.drift.embedders import HashingEmbedder, load_embedder
from observability.drift.embeddings import EmbeddingDriftDetector, mmd
from observability.drift.text import TextFeatures

ROWS = 1000
DIMENSIONS = 64
PERMUTATIONS = 100
ROUNDS = 15
TEXTS = 500
WORDS = 200
#: Seconds of one core.
GOAL = 0.05
_PEER_TIMEOUT = 600
_ROOT = Path(__file__).parent.parent
_SIZE = f"{ROWS} embeddings against {ROWS}, {DIMENSIONS} dimensions"
#: Linear algebra in one thread, in whatever library it is.
_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
) | {"TOKENIZERS_PARALLELISM": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
#: Run by the interpreter of alibi-detect, with the backend that is installed beside it; prints nothing without one.
_PEER = f"""
import json, statistics, time
import numpy as np
from alibi_detect.cd import MMDDrift
from alibi_detect.utils.frameworks import has_pytorch, has_tensorflow
backend = "pytorch" if has_pytorch else "tensorflow" if has_tensorflow else None
if backend:
    drawn = np.random.default_rng(7)
    x, y = (drawn.normal(size=({ROWS}, {DIMENSIONS})).astype(np.float32) for _ in range(2))
    detector = MMDDrift(x, backend=backend, n_permutations={PERMUTATIONS})
    detector.predict(y)
    taken = []
    for _ in range(3):
        begin = time.process_time()
        detector.predict(y)
        taken.append(time.process_time() - begin)
    print(json.dumps({{"backend": backend, "seconds": statistics.median(taken)}}))
"""


def run() -> list[Result]:
    """Ours and the peer's, each in a process of its own with one thread."""
    mine = json.loads(_output([sys.executable, "-m", "bench.mmd"]))
    peer = _peer()
    results = [
        Result(
            "mmd_permutation",
            round(mine["mmd"], 4),
            "s",
            f"unbiased MMD² of {_SIZE}, with {PERMUTATIONS} permutations; CPU time, one thread, median of {ROUNDS}",
            peer=None if peer is None else f"alibi-detect MMDDrift, {peer[0]}, one thread: {peer[1]:.2f} s",
            ratio=None if peer is None else round(mine["mmd"] / peer[1], 4),
            goal=f"at most {GOAL} s of one core",
            met=mine["mmd"] <= GOAL,
        ),
        Result(
            "embedding_drift_detect",
            round(mine["detect"], 3),
            "s",
            f"centroid, cosine, MMD and domain classifier of {_SIZE}, with {mine['permutations']} permutations each; "
            f"CPU time, one thread, median of {ROUNDS}",
        ),
    ]
    for name, what in (
        ("text_features", "length, words, unknown words"),
        ("text_embed_hashing", "embedding by hashing"),
        ("text_embed_wordllama", "embedding by wordllama"),
    ):
        how = f"{what} of a text of {WORDS} words, {TEXTS} texts at a time; CPU time, one thread, median of {ROUNDS}"
        results.append(Result(name, round(mine[name] * 1e6, 1), "µs", how))
    return results


def _peer() -> tuple[str, float] | None:
    """Backend and seconds of alibi-detect, where it is installed with one."""
    interpreter = peers.python("alibi-detect")
    if interpreter is None:
        return None
    output = _output([str(interpreter), "-c", _PEER])
    if not output.strip():
        return None
    found = json.loads(output.splitlines()[-1])
    return found["backend"], found["seconds"]


def _output(command: list[str]) -> str:
    paths = os.pathsep.join(str(each) for each in (_ROOT, _ROOT / "exporter"))
    own = {"PYTHONPATH": paths} if command[0] == sys.executable else {}
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_PEER_TIMEOUT,
        cwd=_ROOT,
        env={**os.environ, **_ONE_THREAD, **own},
    )
    return done.stdout


def measured() -> dict[str, float]:
    """CPU seconds of each, in this process; those of texts are for one of them."""
    drawn = np.random.default_rng(7)
    x, y = (drawn.normal(size=(ROWS, DIMENSIONS)).astype(np.float32) for _ in range(2))
    detector = EmbeddingDriftDetector(x)
    texts = made(TEXTS)
    features, _ = TextFeatures.fit_apart(made(TEXTS))
    hashing, wordllama = HashingEmbedder(), load_embedder("wordllama")
    return {
        "mmd": _taken(lambda: mmd(x, y, PERMUTATIONS)),
        "detect": _taken(lambda: detector.detect(y)),
        "permutations": detector.permutations,
        "text_features": _taken(lambda: features.transform(texts)) / TEXTS,
        "text_embed_hashing": _taken(lambda: hashing.embed(texts)) / TEXTS,
        "text_embed_wordllama": _taken(lambda: wordllama.embed(texts)) / TEXTS,
    }


def made(count: int) -> list[str]:
    """Texts of 200 words each, drawn from the README of this project."""
    words = (_ROOT / "README.md").read_text(encoding="utf-8").split()
    drawn = random.Random(7)  # noqa: S311
    return [" ".join(drawn.choices(words, k=WORDS)) for _ in range(count)]


def _taken(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


if __name__ == "__main__":
    print(json.dumps(measured()))
