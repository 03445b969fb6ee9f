"""HTTP/1.1 for large bodies: uvicorn's protocol, but for how a body is gathered."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools
import numpy as np
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a body of unknown or very great length that the application gets at once, and that a connection holds for it
#: at most.
PIECE = 4_194_304
#: A body of at most so many bytes is received into one buffer of its length.
MOST = 67_108_864
#: Bytes of a head, and of what came with it, that are read at once.
_HEAD = 16_384
#: Key of the scope under which a body is that was received into a buffer: a ``memoryview``.
BUFFER = "observability.body"


class BodyProtocol(asyncio.BufferedProtocol):
    """Receives a body where it is to stay, and hands it to the application whole.

    Uvicorn stops reading after each 64 KiB until the application has taken them, and copies them four times on the way:
    for batches of spans, which have a few MiB, that is a fifth of all work that they make. Here the kernel writes into
    a buffer of the length that the request declares. For a request to one of the paths in ``buffered`` the application
    finds that under :data:`BUFFER` in its scope when it has received the end of an empty body; for all others it is
    copied once. A body whose length nobody declares, or longer than :data:`MOST`, comes in pieces of :data:`PIECE`
    bytes.
    """

    def __init__(self, buffered: frozenset[str] = frozenset(), **options: Any) -> None:
        """``options`` are those of uvicorn's protocols."""
        self._http = _Http(**options)
        self._http.buffered = buffered
        self._head = memoryview(bytearray(_HEAD))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._http.connection_made(transport)  # type: ignore[arg-type]

    def connection_lost(self, error: Exception | None) -> None:
        self._http.connection_lost(error)

    def eof_received(self) -> None:
        self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - what asyncio asks for is no use here
        """Where the next bytes go: what is missing of a body, or a place for what must be parsed."""
        missing = self._http.missing()
        return self._head if missing is None else missing

    def buffer_updated(self, received: int) -> None:
        """``received`` bytes came."""
        if self._http.missing() is None:
            self._http.data_received(self._head[:received])  # type: ignore[arg-type]
        else:
            self._http.fill(received)


class _Http(HttpToolsProtocol):
    """Uvicorn's protocol; the body of the request at hand is in ``_body`` if its length is known, else in pieces."""

    buffered: frozenset[str]
    _body: memoryview | None = None
    _filled = 0

    def on_headers_complete(self) -> None:
        """A request begins."""
        self._chunks: list[bytes] = []
        self._held = 0
        self._body, self._filled = None, 0
        length = _declared(self.headers)
        super().on_headers_complete()
        if length is not None and not self._upgrades():
            self._body = np.empty(length, np.uint8).data  # takes no memory before something is written to it

    def missing(self) -> memoryview | None:
        """The part of a body that has not come yet; ``None`` if none is being received, or not like this."""
        if self._body is None or self._filled == len(self._body):
            return None
        return self._body[self._filled :]

    def fill(self, received: int) -> None:
        """So many bytes were written into :meth:`missing`."""
        self._unset_keepalive_if_required()
        self._filled += received
        if self.missing() is None:
            # The parser, which has not seen the body, waits for it: the next request gets a new one.
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body came with the head of the request, or in pieces."""
        if self._body is not None:
            self._body[self._filled : self._filled + len(body)] = body
            self._filled += len(body)
            return
        self._chunks.append(body)
        self._held += len(body)
        if self._held >= PIECE and self._hand_over():
            self.flow.pause_reading()  # until the application asks for more

    def on_message_complete(self) -> None:
        """A request ended."""
        if self._body is not None and self.scope["path"] in self.buffered:
            cast("dict[str, Any]", self.scope)[BUFFER] = self._body
        elif self._body is not None:
            self._chunks = [bytes(self._body)]
        self._body = None
        self._hand_over()
        super().on_message_complete()

    def _hand_over(self) -> bool:
        """Give the application what is held; ``False`` if it does not wait for anything."""
        chunks, self._chunks, self._held = self._chunks, [], 0
        if not chunks or self._upgrades() or self.cycle.response_complete:
            return False
        if self.cycle.body:  # what was handed over before is not taken yet
            chunks = [bytes(self.cycle.body), *chunks]
        # Uvicorn, which builds a bytearray here, takes it as bytes(body): that copies nothing that is bytes already.
        self.cycle.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)  # type: ignore[assignment]
        self.cycle.message_event.set()
        return True

    def _upgrades(self) -> bool:
        return bool(self.parser.should_upgrade() and self._should_upgrade())


def _declared(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The length of a body that is to be received at once; ``None`` if it is not said, or too great."""
    length = None
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            if not value.isdigit() or len(value) > len(str(MOST)):
                return None
            length = int(value)
    return length if length is not None and 0 < length <= MOST else None
