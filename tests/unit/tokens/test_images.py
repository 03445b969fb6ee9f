"""Images: their size from the bytes, and the published formulas with their published examples."""

from __future__ import annotations

import base64
import struct

import pytest

from observability.tokens import DEFAULT_SIZE, Image, TokenCounter, image_tokens, model_named
from observability.tokens.images import Detail, image_from, size_of, size_of_base64


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0) + b"\0" * 20


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0" * 20


def jpeg(width: int, height: int, metadata: int = 0) -> bytes:
    application = b"\xff\xe1" + struct.pack(">H", metadata + 2) + b"\0" * metadata
    quantization = b"\xff\xdb" + struct.pack(">H", 67) + b"\0" * 65
    frame = b"\xff\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\0" * 9
    return b"\xff\xd8" + application + quantization + frame


def webp(kind: bytes, width: int, height: int) -> bytes:
    if kind == b"VP8X":
        body = b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 5
    else:
        body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "file",
    [
        png(640, 480),
        gif(640, 480),
        jpeg(640, 480),
        jpeg(640, 480, metadata=60_000),
        webp(b"VP8X", 640, 480),
        webp(b"VP8L", 640, 480),
        webp(b"VP8 ", 640, 480),
    ],
    ids=["png", "gif", "jpeg", "jpeg with metadata", "webp extended", "webp lossless", "webp lossy"],
)
def test_the_size_is_read_from_the_first_bytes(file: bytes) -> None:
    assert size_of(file) == (640, 480)
    encoded = base64.b64encode(file).decode()
    assert size_of_base64(encoded) == (640, 480)
    assert size_of_base64(f"data:image/any;base64,{encoded}") == (640, 480)
    assert size_of_base64(encoded[: len(encoded) // 4 * 4 - 3] + "\n") in ((640, 480), None)


@pytest.mark.parametrize(
    "file", [b"", b"BM", b"\xff\xd8", b"\xff\xd8\xff\xda", png(0, 4), b"RIFF0000WEBPVP9 " + b"\0" * 20]
)
def test_what_is_no_readable_image_has_no_size(file: bytes) -> None:
    assert size_of(file) is None


def test_every_cut_of_an_image_file_is_read_without_an_error() -> None:
    for file in (png(9, 9), gif(9, 9), jpeg(9, 9, 40), webp(b"VP8X", 9, 9), webp(b"VP8L", 9, 9), webp(b"VP8 ", 9, 9)):
        for end in range(len(file)):
            assert size_of(file[:end]) in ((9, 9), None)


@pytest.mark.parametrize("source", ["https://example.org/a.png", "data:image/svg+xml,<svg/>", "@@@", None, 7])
def test_an_image_that_is_not_here_counts_as_one_of_the_stated_size(source: object) -> None:
    image = image_from(source, "high")
    assert image == Image(None, "high")
    assert image_tokens(model_named("gpt-4o"), image) == image_tokens(
        model_named("gpt-4o"), Image(DEFAULT_SIZE, "high")
    )


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "tokens"),
    [
        # OpenAI, images and vision: tiles.
        ("gpt-4o", 1024, 1024, "high", 765),
        ("gpt-4o", 2048, 4096, "high", 1105),
        ("gpt-4o", 4096, 8192, "low", 85),
        ("gpt-4o", 1024, 1024, "auto", 765),
        ("gpt-4o-mini", 1024, 1024, "high", 2833 + 4 * 5667),
        ("gpt-5.1", 1024, 1024, "high", 70 + 4 * 140),
        ("o3", 512, 512, "high", 75 + 150),
        # The same page: patches.
        ("gpt-4.1-mini", 1024, 1024, "auto", 1659),
        ("gpt-5-nano", 1800, 2400, "auto", 2178),
        ("gpt-5.4", 1024, 1024, "high", 1229),
        ("gpt-5.4", 2048, 2048, "high", 3000),
        ("gpt-6-astra", 1024, 1024, "auto", 1229),
        ("gpt-6-astra", 4096, 512, "auto", 2458),
        # A published series of measured calls, 12-megapixel photo and 4K.
        ("gpt-6-astra", 4032, 3024, "auto", 14_364),
        ("gpt-6-astra", 4032, 3024, "high", 2942),
        ("gpt-6-astra", 3840, 2160, "high", 2931),
        ("gpt-5.5", 4032, 3024, "auto", 11_868),
        # Anthropic, vision: resolution and token cost.
        ("claude-haiku-4-5", 200, 200, "auto", 64),
        ("claude-haiku-4-5", 1000, 1000, "auto", 1296),
        ("claude-haiku-4-5", 1092, 1092, "auto", 1521),
        ("claude-haiku-4-5", 1920, 1080, "auto", 1560),
        ("claude-haiku-4-5", 3840, 2160, "auto", 1560),
        ("claude-opus-5", 1920, 1080, "auto", 2691),
        ("claude-opus-4-7", 3840, 2160, "auto", 4784),
        # Google, image understanding.
        ("gemini-2.5-flash", 384, 384, "auto", 258),
        ("gemini-2.5-flash", 1000, 1000, "auto", 4 * 258),
        ("gemini-3-pro-preview", 4000, 3000, "auto", 1120),
    ],
)
def test_the_published_examples_come_out(model: str, width: int, height: int, detail: Detail, tokens: int) -> None:
    assert image_tokens(model_named(model), Image((width, height), detail)) == tokens


@pytest.mark.parametrize("size", [(1, 1), (1, 60_000), (60_000, 1), (33, 65), (60_000, 60_000)])
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5.4", "gpt-6-astra", "gpt-5-nano", "claude-opus-5", "gemini-2.5-pro"])
def test_any_size_has_a_cost(model: str, size: tuple[int, int]) -> None:
    for detail in ("low", "high", "original", "auto"):
        assert image_tokens(model_named(model), Image(size, detail)) > 0


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "URL", "detail": "high"}},
        {"type": "image_url", "image_url": "URL"},
        {"type": "input_image", "image_url": "URL", "detail": "high"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "DATA"}},
        {"type": "blob", "mime_type": "image/png", "content": "DATA"},
        {"type": "blob", "modality": "image", "content": "DATA"},
        {"inline_data": {"mime_type": "image/png", "data": "DATA"}},
    ],
)
def test_an_image_in_any_form_of_message_counts_by_its_size(part: dict[str, object]) -> None:
    data = base64.b64encode(png(512, 512)).decode()

    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return {"URL": f"data:image/png;base64,{data}", "DATA": data}.get(str(value), value)

    counter = TokenCounter("gpt-4o")
    text = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}]}]
    with_image = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, filled(part)]}]
    assert counter.count_messages(with_image) - counter.count_messages(text) == 85 + 170
