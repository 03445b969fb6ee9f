"""Bodies of every size through the exporter's HTTP protocol, whole and in order."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from observability.protocol import BUFFER, PIECE, BodyProtocol
from tests.support import poll


async def _digest(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the digest of the body, or at once if the path says so."""
    digest = hashlib.sha256()
    more = scope["path"] != "/unread"
    while more:
        message = await receive()
        digest.update(message["body"])
        whole = any(name == b"content-length" for name, _ in scope["headers"])
        assert whole or len(message["body"]) < 2 * PIECE
        more = message["more_body"]
    if BUFFER in scope:
        assert scope["path"] == "/buffered"
        digest.update(scope[BUFFER])
    answer = digest.hexdigest().encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        protocol: Any = partial(BodyProtocol, frozenset({"/buffered"}))
        server = uvicorn.Server(uvicorn.Config(_digest, http=protocol, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        poll("the server answers", lambda: server.started)
        yield listening.getsockname()
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("size", [0, 1, 65_537, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/", "/buffered"])
def test_a_body_arrives_as_it_was_sent(address: tuple[str, int], size: int, chunked: bool, path: str) -> None:
    body = random.Random(size).randbytes(size)
    parts = (body[start : start + 100_001] for start in range(0, size, 100_001))
    with httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        for _ in range(2):  # also the second one of a connection
            answer = client.post(path, content=parts if chunked else body)
            assert answer.text == hashlib.sha256(body).hexdigest()
            chunked = False


def test_a_body_that_the_application_does_not_read_leaves_the_connection_in_order(address: tuple[str, int]) -> None:
    with httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        assert client.post("/unread", content=bytes(2 * PIECE)).text == hashlib.sha256(b"").hexdigest()
        assert client.post("/", content=b"next").text == hashlib.sha256(b"next").hexdigest()


def test_requests_that_are_sent_ahead_are_answered_in_turn(address: tuple[str, int]) -> None:
    bodies = [b"a" * 100_000, b"", b"c" * (PIECE + 7), b"d"]
    with socket.create_connection(address, timeout=20) as connection:
        sending = threading.Thread(
            target=connection.sendall,
            args=(b"".join(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(b) + b for b in bodies),),
        )
        sending.start()
        got = b""
        while got.count(b"HTTP/1.1 200") < len(bodies) or not got.endswith(_hex(bodies[-1])):
            part = connection.recv(65_536)
            assert part, got
            got += part
        sending.join()
    found = [answer.split(b"\r\n\r\n")[1] for answer in got.split(b"HTTP/1.1 200")[1:]]
    assert found == [_hex(body) for body in bodies]


def _hex(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@pytest.mark.parametrize("path", ["/", "/buffered"])
def test_a_sender_that_leaves_in_the_middle_of_a_body_costs_nobody_else_anything(
    address: tuple[str, int], path: str
) -> None:
    with socket.create_connection(address, timeout=20) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n".encode()
        connection.sendall(head + bytes(1_000_000))
    with httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        assert client.post(path, content=b"next").text == hashlib.sha256(b"next").hexdigest()


@pytest.mark.parametrize("path", ["/", "/buffered"])
def test_a_body_that_is_announced_is_asked_for(address: tuple[str, int], path: str) -> None:
    body = b"z" * 200_000
    with socket.create_connection(address, timeout=20) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        got = b""
        while not got.endswith(_hex(body)):
            part = connection.recv(65_536)
            assert part, got
            got += part


def test_a_body_that_comes_byte_by_byte_is_whole(address: tuple[str, int]) -> None:
    body = random.Random(1).randbytes(60)
    request = b"POST /buffered HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n" + body
    with socket.create_connection(address, timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            connection.sendall(request[place : place + 1])
        got = b""
        while not got.endswith(_hex(body)):
            part = connection.recv(65_536)
            assert part, got
            got += part


@pytest.mark.parametrize("length", [b"-5", b"5x", b"99999999999999999999"])
def test_a_length_that_is_none_is_refused_or_never_taken_for_memory(address: tuple[str, int], length: bytes) -> None:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"POST /buffered HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nhello")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    with httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        assert client.post("/buffered", content=b"next").text == hashlib.sha256(b"next").hexdigest()
