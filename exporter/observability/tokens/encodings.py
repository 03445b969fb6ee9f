"""tiktoken encodings that are on this machine already; nothing here opens a connection.

``tiktoken.get_encoding`` downloads the vocabulary of an encoding that it does not find in its cache. A counter inside
a request path must not do that, so the file is looked for first, under the name that tiktoken itself gives it (the
SHA-1 of its address): in ``TIKTOKEN_CACHE_DIR``, in ``DATA_GYM_CACHE_DIR``, in tiktoken's default cache folder, and in
installed packages that ship it. tiktoken's own definition of the encoding is then run with a loader that reads that
file and can do nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import importlib.util
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tiktoken

logger = logging.getLogger(__name__)

#: Folders inside installed packages that ship vocabularies under tiktoken's cache names: (package, folder).
PACKAGES_WITH_VOCABULARIES: tuple[tuple[str, str], ...] = (
    ("litellm", "litellm_core_utils/tokenizers"),
    ("litellm", "llms/tokenizers"),
)

_DEFINITIONS = "tiktoken_ext.openai_public"


class NotAtHandError(LookupError):
    """The vocabulary of an encoding is not on this machine."""


def vocabulary_folders() -> Iterator[Path]:
    """Where vocabularies may lie, in the order of the search; an empty variable names no folder."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        folder = os.environ.get(variable)
        if folder:
            yield Path(folder)
    yield Path(tempfile.gettempdir()) / "data-gym-cache"
    for package, folder in PACKAGES_WITH_VOCABULARIES:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(location) / folder


def local_vocabulary(address: str, expected_hash: str | None) -> bytes:
    """The content of the cached file of ``address``.

    A file whose SHA-256 is not ``expected_hash`` is passed over, never used and never removed.

    :raises NotAtHandError: if there is none.
    """
    name = hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    for folder in vocabulary_folders():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        if expected_hash is None or hashlib.sha256(content).hexdigest() == expected_hash:
            return content
        logger.warning("%s is not the vocabulary that its name says; it is not used", folder / name)
    raise NotAtHandError(address)


def encoding_from(definitions: ModuleType, name: str) -> tiktoken.Encoding:
    """The encoding ``name`` as ``definitions`` (a plugin module of tiktoken) defines it, from local files alone.

    :raises NotAtHandError: if a file that it needs is not on this machine, or the module does not define it.
    """
    import tiktoken

    namespace = dict(vars(definitions))
    for key, value in vars(definitions).items():
        # One definition may call another, so all of them are bound to the namespace with the local loaders.
        if isinstance(value, FunctionType) and value.__module__ == definitions.__name__:
            namespace[key] = FunctionType(value.__code__, namespace, key, value.__defaults__, value.__closure__)
    namespace["load_tiktoken_bpe"] = _ranks
    namespace["data_gym_to_mergeable_bpe_ranks"] = _no_loader
    definition: Callable[[], dict[str, Any]] | None = namespace.get(name)
    if definition is None:
        raise NotAtHandError(name)
    return tiktoken.Encoding(**definition())


def _ranks(address: str, expected_hash: str | None = None) -> dict[bytes, int]:
    lines = local_vocabulary(address, expected_hash).splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def _no_loader(*_: Any, **__: Any) -> dict[bytes, int]:
    raise NotAtHandError("an encoding of GPT-2's file format")


@functools.cache
def encoding_at_hand(name: str) -> tiktoken.Encoding | None:
    """The encoding ``name``, or ``None`` where tiktoken is not installed or the vocabulary is not on this machine."""
    try:
        definitions = importlib.import_module(_DEFINITIONS)
        return encoding_from(definitions, name)
    except (ImportError, NotAtHandError) as error:
        logger.debug("no exact counts for %s: %r", name, error)
        return None


def encoding_name(model: str) -> str | None:
    """The encoding of ``model`` by tiktoken's own table; ``None`` if it lists none or is not installed."""
    try:
        from tiktoken.model import encoding_name_for_model
    except ImportError:
        return None
    try:
        return encoding_name_for_model(model)
    except KeyError:
        return None
