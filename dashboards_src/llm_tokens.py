"""Tokens of model calls: how fast, of which type, from the cache, reported or not, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards_src import measures, panels, promql, shared
from dashboards_src.grafana import Line, Panel, even
from observability.catalogue import (
    LLM_COST_PER_HOUR,
    LLM_ESTIMATED_TOKENS,
    LLM_REQUEST_LATENCY,
    LLM_REQUESTS,
    LLM_REQUESTS_WITHOUT_USAGE,
    LLM_STREAMING_REQUESTS,
    LLM_TOKEN_USAGE,
)
from observability.settings import Settings

#: Calls that write something; an embedding has no answer that could be streamed.
GENERATING = promql.series(LLM_REQUESTS, operation="!=embeddings")
INPUT = "=~input|cache_read|cache_write"
_OUTPUT = "=~output|reasoning"
_MODEL = ("model",)


def cache_hits(window: str, by: Iterable[str] = ()) -> str:
    """Share of the input tokens that came from the provider's prompt cache, 0 to 1."""
    read = promql.series(LLM_TOKEN_USAGE, type="cache_read")
    every = promql.series(LLM_TOKEN_USAGE, type=INPUT)
    return promql.share(promql.rate(read, window), promql.rate(every, window), by)


def without_usage(window: str) -> str:
    """Share of the successful calls whose span brought no token usage, 0 to 1."""
    silent = promql.series(LLM_REQUESTS_WITHOUT_USAGE)
    every = promql.series(LLM_REQUESTS, status="success")
    return promql.share(promql.rate(silent, window), promql.rate(every, window))


def per_call(window: str) -> str:
    """Mean tokens of a successful call that reported them."""
    tokens = promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE), window))
    told, silent = (
        promql.total(promql.rate(selector, window))
        for selector in (promql.series(LLM_REQUESTS, status="success"), promql.series(LLM_REQUESTS_WITHOUT_USAGE))
    )
    return f"{tokens} / (({told} - ({silent} or 0 * {told})) > 0)"


def cache_hit_chart(settings: Settings) -> Panel:
    return panels.chart(
        "Cache hit ratio by model",
        "Share of the input tokens that came from the provider's prompt cache; a collapse is a prompt that changed.",
        panels.query(cache_hits(settings.alerts.window, _MODEL), "{{model}}"),
        unit="percentunit",
        no_value=shared.NO_CALLS,
        max=1,
    )


def speed(settings: Settings) -> Line:
    """What flows, and how fast."""
    generated, seconds = (
        promql.total(promql.rate(selector, settings.alerts.window), _MODEL)
        for selector in (
            promql.series(LLM_TOKEN_USAGE, type=_OUTPUT),
            promql.series(LLM_REQUEST_LATENCY, part="sum", operation="!=embeddings"),
        )
    )
    return even(
        8,
        measures.per_minute(
            "Tokens per minute by type",
            "Types are disjoint, so the height of the stack is the total.",
            LLM_TOKEN_USAGE,
            "type",
            no_value=shared.NO_CALLS,
            colors=panels.TOKENS,
        ),
        panels.chart(
            "Generation speed",
            "Output and reasoning tokens per second of call time, by model.",
            panels.query(f"{generated} / ({seconds} > 0)", "{{model}}"),
            unit="suffix: tok/s",
            no_value="No answer in this range",
        ),
        cache_hit_chart(settings),
    )


def reported(settings: Settings) -> Line:
    """How much of the numbers above was told by providers, and how much is our estimate."""
    window = settings.alerts.window
    streaming = promql.rate(promql.series(LLM_STREAMING_REQUESTS), window)
    streamed = promql.share(streaming, promql.rate(GENERATING, window), _MODEL)
    silent = {
        "estimated": promql.series(LLM_REQUESTS_WITHOUT_USAGE, estimated="true"),
        "unknown": promql.series(LLM_REQUESTS_WITHOUT_USAGE, estimated="false"),
    }
    every = promql.series(LLM_REQUESTS, status="success")
    told, guessed = (promql.rate(promql.series(family), window) for family in (LLM_TOKEN_USAGE, LLM_ESTIMATED_TOKENS))
    return even(
        8,
        panels.chart(
            "Streamed answers by model",
            "Share of the calls that generate text whose answer was streamed.",
            panels.query(streamed, "{{model}}"),
            unit="percentunit",
            no_value=shared.NO_CALLS,
            max=1,
        ),
        panels.chart(
            "Calls without usage",
            "Share of the successful calls whose span brought no token usage: estimated where the content allowed it. "
            "Many SDKs report usage of streams only when asked (stream_options.include_usage). Dashed: where "
            "LLMUsageNotReported begins.",
            *(
                panels.query(promql.share(promql.rate(part, window), promql.rate(every, window)), name)
                for name, part in silent.items()
            ),
            unit="percentunit",
            no_value=shared.NO_CALLS,
            stacked=True,
            steps=((settings.alerts.usage_not_reported.ratio, panels.BAD),),
            overrides=panels.fixed_colors(panels.UNREPORTED),
        ),
        panels.chart(
            "Estimated tokens by model",
            "Share of the tokens that nobody reported and that were estimated from the content.",
            panels.query(_part(guessed, told), "{{model}}"),
            unit="percentunit",
            no_value=shared.NO_CALLS,
        ),
    )


def _part(part: str, rest: str) -> str:
    """``part / (part + rest)`` by model, where either may be absent."""
    parts, rests = promql.total(part, _MODEL), promql.total(rest, _MODEL)
    return f"({parts} or 0 * {rests}) / (({parts} or 0 * {rests}) + ({rests} or 0 * {parts}) > 0)"


def cost() -> Line:
    """What it costs now; the Cost dashboard has the rest."""
    calls = promql.total(promql.increase(promql.series(LLM_REQUESTS), "1h"), _MODEL)
    spent = promql.spent(_MODEL, "1h")
    return even(
        8,
        panels.chart(
            "Cost per hour by model",
            "Spending rate over 5 minutes, in US dollars per hour.",
            panels.query(promql.total(promql.series(LLM_COST_PER_HOUR), _MODEL), "{{model}}"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            stacked=True,
        ),
        panels.chart(
            "Cost per call by model",
            "Mean over one hour, in US dollars. Calls whose price is unknown make it too low.",
            panels.query(f"{spent} / ({calls} > 0)", "{{model}}"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
        ),
        panels.donut(
            "Cost by model",
            "Spent in the time range, in US dollars.",
            panels.instant(promql.spent(_MODEL), "{{model}}"),
            by="model",
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
        ),
    )
