"""Bodies of requests: what refuses one as a whole, and how it is decompressed."""

from __future__ import annotations

import zlib
from typing import TypeAlias

import pyarrow as pa

Buffer: TypeAlias = bytes | memoryview

#: Zlib's window bits for a gzip header and nothing else.
_GZIP = zlib.MAX_WBITS | 16
_PIECE = 1 << 20


class Refused(Exception):
    """A body of which nothing can be taken; ``reason`` is a value of ``exporter_rejected_total{reason}``."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


class Malformed(Refused):
    """A body that is not what its content type says; ``offset`` in bytes and ``line`` from 1 where they are known."""

    def __init__(self, detail: str, offset: int | None = None, line: int | None = None) -> None:
        super().__init__(400, "malformed_body", detail)
        self.offset = offset
        self.line = line


def too_large(limit: int) -> Refused:
    """Of a body of more than ``limit`` bytes."""
    return Refused(413, "too_large", f"the body has more than {limit} bytes")


def decompressed(body: Buffer, content_encoding: str | None, limit: int) -> Buffer:
    """The plain bytes of ``body``: ``content_encoding`` is ``gzip``, ``zstd``, ``identity`` or nothing.

    Raises :class:`Refused`: 415 for another encoding, 413 above ``limit`` bytes (decompression stops there);
    :class:`Malformed` for bytes that do not decompress.
    """
    name = (content_encoding or "identity").strip().lower()
    if name == "identity":
        plain = body
    elif name == "gzip":
        plain = _gunzip(body, limit)
    elif name == "zstd":
        plain = _unzstd(body, limit)
    else:
        raise Refused(
            415, "unsupported_encoding", f"Content-Encoding {name!r} is not supported: use gzip, zstd or none"
        )
    if len(plain) > limit:
        raise too_large(limit)
    return plain


def _gunzip(body: Buffer, limit: int) -> bytes:
    """All members of a gzip body; never more than one byte above ``limit`` in memory."""
    parts: list[bytes] = []
    room = limit + 1
    rest: Buffer = body
    while rest and room > 0:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(rest, room)
        except zlib.error as error:
            raise Malformed(f"not gzip: {error}") from error
        parts.append(part)
        room -= len(part)
        if not stream.eof and room > 0:
            raise Malformed("not gzip: the body ends too early")
        rest = stream.unused_data
    return b"".join(parts)


def _unzstd(body: Buffer, limit: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(pa.py_buffer(body)), "zstd") as stream:
            while length <= limit and (part := stream.read(min(_PIECE, limit + 1 - length))):
                parts.append(part)
                length += len(part)
    except OSError as error:
        raise Malformed(f"not zstd: {error}") from error
    return b"".join(parts)
