"""Published pricing rules of providers that the price list does not hold, or holds for newer models only.

The list always comes first: a rule fills what it leaves open. Sources stand beside each rule; prices of service tiers
in the list are verified from October 2026 on, the tiers themselves are older.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

HALF = Decimal("0.5")
ONE = Decimal(1)


class TierRule(NamedTuple):
    """Shares of the standard prices that a service tier costs from ``since`` on (UTC)."""

    since: datetime
    tokens: Decimal
    cache: Decimal  # of tokens read from or written to a cache


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


#: (provider of the list, service tier) → rule for models whose tier the list does not price.
TIERS = {
    # platform.openai.com/docs/guides/batch: "50% lower costs", since 15 April 2024; cached input is not discounted
    # again (the list has the same for gpt-4o and gpt-4.1).
    ("openai", "batch"): TierRule(_day("2024-04-15"), HALF, ONE),
    # platform.openai.com/docs/guides/flex-processing: "tokens are priced at Batch API rates, with additional
    # discounts from prompt caching", since 17 April 2025.
    ("openai", "flex"): TierRule(_day("2025-04-17"), HALF, HALF),
    # docs.anthropic.com/en/docs/build-with-claude/batch-processing: "All usage is charged at 50% of the standard API
    # prices", and the multipliers of the cache stack with it; since 8 October 2024.
    ("anthropic", "batch"): TierRule(_day("2024-10-08"), HALF, HALF),
    # ai.google.dev/gemini-api/docs/batch-api: "50% of the standard cost", since 7 July 2025; the cache stays at the
    # standard price.
    ("google", "batch"): TierRule(_day("2025-07-07"), HALF, ONE),
    # ai.google.dev/gemini-api/docs/optimization: "Flex: 50% discount", since 1 April 2026.
    ("google", "flex"): TierRule(_day("2026-04-01"), HALF, ONE),
    # learn.microsoft.com/azure/ai-foundry/openai/how-to/batch: "50% less cost than global standard", since August 2024.
    ("azure", "batch"): TierRule(_day("2024-08-14"), HALF, ONE),
    # docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html and aws.amazon.com/bedrock/pricing: "50% lower
    # price compared to on-demand", since August 2024.
    ("aws", "batch"): TierRule(_day("2024-08-19"), HALF, ONE),
}

#: docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing: shares of the price of input, wherever Claude
#: is sold: "5-minute cache write tokens are 1.25 times the base input tokens price, 1-hour 2 times, cache read 0.1".
CLAUDE_CACHE_WRITE = Decimal("1.25")
CLAUDE_CACHE_WRITE_1H = Decimal(2)
CLAUDE_CACHE_READ = Decimal("0.1")


def is_claude(model: str) -> bool:
    return "claude" in model


@dataclass(frozen=True, slots=True)
class LongContext:
    """Above ``start`` tokens of input all tokens of a call cost more, from ``since`` to before ``until`` (UTC)."""

    model: re.Pattern[str]
    since: datetime
    until: datetime
    start: int
    input: Decimal
    output: Decimal


#: docs.anthropic.com/en/docs/about-claude/pricing#long-context-pricing: above 200,000 tokens 2x input (the cache's
#: multipliers on top) and 1.5x output; the beta ended on 30 April 2026 for 4 and 4.5, and the 4.6 models lost the
#: surcharge on 13 March 2026. aws.amazon.com/bedrock/pricing has the same rows.
LONG_CONTEXTS = (
    LongContext(
        re.compile(r"claude-(?:sonnet-4(?:-0|-5)?(?:-20\d{6}\b.*)?|4-sonnet)$"),
        _day("2025-08-12"), _day("2026-04-30"), 200_000, Decimal(2), Decimal("1.5"),
    ),
    LongContext(
        re.compile(r"claude-(?:sonnet|opus)-4-6\b"),
        _day("2026-02-05"), _day("2026-03-13"), 200_000, Decimal(2), Decimal("1.5"),
    ),
)  # fmt: skip


def long_context(model: str, when: datetime) -> LongContext | None:
    """The rule for ``model`` (an id of the price list) at ``when``, or ``None``."""
    for rule in LONG_CONTEXTS:
        if rule.since <= when < rule.until and rule.model.search(model):
            return rule
    return None
