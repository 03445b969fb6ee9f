"""HTTP/1.1 for large bodies: uvicorn's protocol, but for how a body is gathered."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a body that the application gets at once, and that a connection holds for it at most.
PIECE = 4_194_304


class BodyProtocol(HttpToolsProtocol):
    """Hands a body to the application in pieces of :data:`PIECE` bytes, or all that there is when it ends.

    Uvicorn stops reading after each 64 KiB until the application has taken them, and copies them twice on the way: for
    batches of spans, which have a few MiB, that is a tenth of all work that they make.
    """

    def on_headers_complete(self) -> None:
        """A request begins."""
        self._chunks: list[bytes] = []
        self._held = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body came."""
        self._chunks.append(body)
        self._held += len(body)
        if self._held >= PIECE and self._hand_over():
            self.flow.pause_reading()  # until the application asks for more

    def on_message_complete(self) -> None:
        """A request ended."""
        self._hand_over()
        super().on_message_complete()

    def _hand_over(self) -> bool:
        """Give the application what is held; ``False`` if it does not wait for anything."""
        chunks, self._chunks, self._held = self._chunks, [], 0
        upgraded = self.parser.should_upgrade() and self._should_upgrade()
        if not chunks or upgraded or self.cycle.response_complete:
            return False
        if self.cycle.body:  # what was handed over before is not taken yet
            chunks = [bytes(self.cycle.body), *chunks]
        # Uvicorn, which builds a bytearray here, takes it as bytes(body): that copies nothing that is bytes already.
        self.cycle.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)  # type: ignore[assignment]
        self.cycle.message_event.set()
        return True
