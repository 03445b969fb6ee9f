"""Tokens of images: their size from the first bytes of the file, and each provider's published formula.

Sources: OpenAI, "Images and vision" (calculating costs; model sizing behavior); Anthropic, "Vision" (resolution and
token cost); Google, "Image understanding" (token calculation). The tables are as published in autumn 2026.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import Literal

from observability.tokens.models import Model

Detail = Literal["low", "high", "original", "auto"]
_DETAILS: tuple[Detail, ...] = ("low", "high", "original", "auto")

#: An image of unknown size (a remote address, a file id, an unreadable header) counts as one of this size, in pixels.
DEFAULT_SIZE = (1024, 1024)

#: Base64 characters that are decoded to find the size: a JPEG may carry long metadata before it.
_HEADER_CHARACTERS = 700_000


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a message. ``size``: width and height in pixels, ``None`` if it cannot be known here."""

    size: tuple[int, int] | None = None
    detail: Detail = "auto"


def image_from(url_or_data: object, detail: object = "auto") -> Image:
    """An :class:`Image` from a data URL or bare base64 data; from anything else one of unknown size."""
    level: Detail = next((known for known in _DETAILS if known == detail), "auto")
    return Image(size_of_base64(url_or_data) if isinstance(url_or_data, str) else None, level)


def size_of_base64(data: str) -> tuple[int, int] | None:
    """Pixels of a base64 image, with or without ``data:…;base64,`` before it; ``None`` if it is not one."""
    if data.startswith(("http:", "https:", "gs:", "s3:", "file:")):
        return None
    start = 0
    if data.startswith("data:"):
        comma = data.find(",", 0, 200)
        if comma < 0 or ";base64" not in data[:comma]:
            return None
        start = comma + 1
    head = re.sub(r"[^A-Za-z0-9+/]", "", data[start : start + _HEADER_CHARACTERS].replace("-", "+").replace("_", "/"))
    try:
        return size_of(base64.b64decode(head[: len(head) // 4 * 4]))
    except binascii.Error:
        return None


def size_of(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the first bytes of a PNG, GIF, JPEG or WebP file; ``None`` for others."""
    size: tuple[int, int] | None = None
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        size = _big(head[16:20]), _big(head[20:24])
    elif head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        size = _little(head[6:8]), _little(head[8:10])
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        size = _webp(head)
    elif head[:2] == b"\xff\xd8":
        size = _jpeg(head)
    return size if size and all(size) else None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:  # padding and markers without a length
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            return _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
        at += 2 + _big(head[at + 2 : at + 4])
    return None


def image_tokens(model: Model, image: Image) -> int:
    """Input tokens of ``image`` for ``model``; a model of unknown provider counts as ``gpt-4o``."""
    width, height = image.size or DEFAULT_SIZE
    if model.family == "claude":
        return claude_tokens(width, height, high_resolution=(model.version or (0, 0)) >= (4, 7))
    if model.family == "gemini":
        return gemini_tokens(width, height, major=(model.version or (0, 0))[0])
    patches = next((rule for prefix, rule in _PATCH_MODELS if model.name.startswith(prefix)), None)
    if patches is not None:
        return patches.tokens(width, height, image.detail)
    base, tile = next((costs for prefix, costs in _TILE_MODELS if model.name.startswith(prefix)), (85, 170))
    return base if image.detail == "low" else base + tile * tiles(width, height)


# --- OpenAI: tiles of 512 pixels ---------------------------------------------------------------------------------

#: (prefix of the name, (base tokens, tokens per tile)).
_TILE_MODELS: tuple[tuple[str, tuple[int, int]], ...] = (
    ("gpt-4o-mini", (2833, 5667)),
    ("gpt-5", (70, 140)),
    ("o1", (75, 150)),
    ("o3", (75, 150)),
    ("computer-use-preview", (65, 129)),
)


def tiles(width: int, height: int) -> int:
    """512-pixel squares that cover the image once it fits 2048 x 2048 and its short side is at most 768 pixels."""
    w, h = _fit_box(float(width), float(height), 2048.0)
    shortest = min(w, h)
    if shortest > 768:
        w, h = w * 768 / shortest, h * 768 / shortest
    return math.ceil(round(w, 6) / 512) * math.ceil(round(h, 6) / 512)


def _fit_box(width: float, height: float, side: float) -> tuple[float, float]:
    scale = min(1.0, side / max(width, height))
    return width * scale, height * scale


# --- OpenAI: patches of 32 pixels --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Patches:
    """Tokens per patch, and for each detail (longest side in pixels, patches at most or ``None``)."""

    multiplier: float
    low: tuple[int, int | None]
    high: tuple[int, int | None]
    original: tuple[int, int | None]
    auto: tuple[int, int | None]

    def tokens(self, width: int, height: int, detail: Detail) -> int:
        side, budget = {"low": self.low, "high": self.high, "original": self.original, "auto": self.auto}[detail]
        w, h = (max(1, round(length)) for length in _fit_box(width, height, side))
        return math.ceil(round(patches(w, h, 32, budget) * self.multiplier, 6))


def patches(width: int, height: int, side: int, budget: int | None) -> int:
    """Squares of ``side`` pixels that cover the image, scaled down to fit ``budget`` (OpenAI's steps A to C)."""
    count = math.ceil(width / side) * math.ceil(height / side)
    if budget is None or count <= budget:
        return count
    shrink = math.sqrt(side * side * budget / (width * height))
    across, down = width * shrink / side, height * shrink / side
    shrink *= min(max(1, math.floor(across)) / across, max(1, math.floor(down)) / down)
    scaled = max(1, math.floor(width * shrink + 1e-6)), max(1, math.floor(height * shrink + 1e-6))
    return min(budget, math.ceil(scaled[0] / side) * math.ceil(scaled[1] / side))


_UNLIMITED = (65_535, None)
_6144 = (2048, 6144)
_1536 = (65_535, 1536)
_2500 = (2048, 2500)
_10000 = (6000, 10_000)
_GPT_5_4 = _Patches(1.2, _6144, _2500, _10000, _2500)
_GPT_5_5 = _Patches(1.2, (512, None), _2500, _10000, _10000)
_GPT_5_6 = _Patches(1.2, (512, None), _2500, _UNLIMITED, _UNLIMITED)
_GPT_6 = _Patches(1.2, (512, None), (65_535, 2500), _UNLIMITED, _UNLIMITED)

_PATCH_MODELS: tuple[tuple[str, _Patches], ...] = (
    ("gpt-6", _GPT_6),
    ("gpt-5.6", _GPT_5_6),
    ("gpt-5.5", _GPT_5_5),
    ("gpt-5.4", _GPT_5_4),
    ("gpt-5.2", _Patches(1.2, _6144, _6144, _6144, _6144)),
    ("gpt-5-mini", _Patches(1.2, _1536, _1536, _1536, _1536)),
    ("gpt-5-nano", _Patches(1.5, _1536, _1536, _1536, _1536)),
    ("gpt-4.1-mini", _Patches(1.62, _6144, _6144, _6144, _6144)),
    ("gpt-4.1-nano", _Patches(2.46, _1536, _1536, _1536, _1536)),
    ("o4-mini", _Patches(1.72, _1536, _1536, _1536, _1536)),
)


# --- Anthropic and Google ----------------------------------------------------------------------------------------


def claude_tokens(width: int, height: int, *, high_resolution: bool) -> int:
    """Patches of 28 pixels, of the largest size that fits the model's limits.

    Limits: 1568 pixels on the long edge and 1568 tokens; 2576 and 4784 from Claude 4.7 on.
    """
    edge, budget = (2576, 4784) if high_resolution else (1568, 1568)

    def cost(long_edge: int) -> int:
        scale = long_edge / max(width, height)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        return math.ceil(w / 28) * math.ceil(h / 28)

    largest = min(edge, max(width, height))
    if cost(largest) <= budget:
        return cost(largest)
    low, high = 1, largest  # cost(low) fits, cost(high) does not; the cost grows with the edge
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle)
    return cost(low)


def gemini_tokens(width: int, height: int, *, major: int) -> int:
    """258 tokens up to 384 pixels a side, else 258 for each 768-pixel tile; from Gemini 3 on 1120 an image."""
    if major >= 3:
        return 1120
    if max(width, height) <= 384:
        return 258
    return 258 * math.ceil(width / 768) * math.ceil(height / 768)
