"""What a call and a token cost, where the prices come from, and what has none."""

from __future__ import annotations

from dashboards_src import lists, panels, promql, shared
from dashboards_src.grafana import Json, Line, Panel, PrometheusTarget, even
from observability.catalogue import (
    EXPORTER_PRICE_LIST,
    EXPORTER_PRICE_LIST_TIMESTAMP,
    LLM_CACHE_HIT_RATIO,
    LLM_CACHE_SAVINGS,
    LLM_COST_PER_1K_TOKENS,
    LLM_COST_PER_REQUEST,
    LLM_ESTIMATED_COST,
    LLM_REQUESTS,
    LLM_TOKEN_COST,
    LLM_TOKEN_USAGE,
    LLM_UNPRICED_REQUESTS,
)

_MONEY: Json = {"unit": "currencyUSD"}
_CENTS: Json = {**_MONEY, "decimals": 2}
#: Seconds; where PriceListStale begins.
_OLD = 90 * 86_400.0


def unknown() -> Line:
    by = ("provider", "model")
    unpriced = promql.total(promql.increase(promql.series(LLM_UNPRICED_REQUESTS)), by)
    calls = promql.total(promql.increase(promql.series(LLM_REQUESTS)), by)
    estimated = promql.total(promql.rate(promql.series(LLM_ESTIMATED_COST), promql.STEADY), ("model",))
    return Line(
        7,
        [
            (
                10,
                lists.table(
                    "Unpriced models",
                    "Models that no price list names: what they cost is unknown and in no number here. Give each a "
                    "price under prices.overrides in observability.yml.",
                    by={"provider": lists.Label("Provider", 110), "model": lists.Label("Model", 150)},
                    columns=[
                        lists.Column(
                            "Unpriced",
                            115,
                            panels.cells(f"{unpriced} > 0"),
                            {"unit": "locale", "decimals": 0, **lists.cell_alarm()},
                        ),
                        lists.Column(
                            "Of its calls",
                            110,
                            panels.cells(f"({unpriced} > 0) / ({calls} > 0)"),
                            {"unit": "percentunit", "decimals": 0},
                        ),
                    ],
                    sort="Unpriced",
                    no_value="Every model has a price",
                ),
            ),
            (
                8,
                panels.chart(
                    "Estimated cost per hour",
                    "Cost of tokens that nobody reported and that were estimated from the content, by model, in US "
                    "dollars. It is part of what is spent, and has no token type.",
                    panels.query(f"3600 * {estimated}", "{{model}}"),
                    unit="currencyUSD",
                    no_value="Nothing had to be estimated",
                    stacked=True,
                ),
            ),
            (6, _price_list()),
        ],
    )


def _price_list() -> Panel:
    return lists.table(
        "Price list",
        "Where prices come from when neither the provider nor observability.yml says one, and how old the newest of "
        "them is. A new release of genai-prices brings new models.",
        by={"source": lists.Label("Source", 115), "version": lists.Label("Version", 70)},
        columns=[
            lists.Column(
                "Age",
                95,
                panels.cells(
                    f"max by (source, version) ({EXPORTER_PRICE_LIST}) * on () group_left () "
                    f"(time() - max({EXPORTER_PRICE_LIST_TIMESTAMP}))"
                ),
                {"unit": "s", "decimals": 0, **lists.cell_color(((_OLD, panels.WARNING),))},
            )
        ],
        sort="Age",
        no_value="The exporter is not scraped",
    )


def per_call() -> Line:
    by = ("model",)
    priced, calls, tokens = (
        promql.total(promql.increase(promql.series(family), "1h"), by)
        for family in (LLM_TOKEN_COST, LLM_REQUESTS, LLM_TOKEN_USAGE)
    )
    return even(
        8,
        panels.chart(
            "Cost per call by model",
            "Mean over one hour, in US dollars. It rises with longer prompts, longer answers and fewer cache hits.",
            panels.query(f"{promql.spent(by, '1h')} / ({calls} > 0)", "{{model}}"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
        ),
        panels.chart(
            "Cost per 1k tokens by model",
            "Mean over one hour, in US dollars. It moves when the mix of input, cache and output does, or the price.",
            panels.query(f"1000 * {priced} / ({tokens} > 0)", "{{model}}"),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
        ),
    )


def comparison() -> Line:
    by = ("service", "provider", "model")

    def now(family: object) -> PrometheusTarget:
        return panels.cells(f"max by ({', '.join(by)}) ({family})")

    calls = promql.total(promql.increase(promql.series(LLM_REQUESTS)), by)
    saved = promql.total(promql.increase(promql.series(LLM_CACHE_SAVINGS)), by)
    estimated = promql.total(promql.increase(promql.series(LLM_ESTIMATED_COST)), by)
    table = lists.table(
        "Prices and spending",
        "Calls, saved, estimated and cost are those of the time range; the others are of the last hour, cache hits of "
        "the last 5 minutes. All in US dollars.",
        by={
            "service": lists.Label("Service", 150),
            "provider": lists.Label("Provider", 100),
            "model": lists.Label("Model", 190),
        },
        columns=[
            lists.Column("Calls", 80, panels.cells(f"{calls} > 0"), {"unit": "locale", "decimals": 0}),
            lists.Column("Per call", 95, now(promql.series(LLM_COST_PER_REQUEST)), {**_MONEY, "decimals": 5}),
            lists.Column("Per 1k tokens", 120, now(promql.series(LLM_COST_PER_1K_TOKENS)), {**_MONEY, "decimals": 5}),
            lists.Column(
                "Cache hits", 95, now(promql.series(LLM_CACHE_HIT_RATIO)), {"unit": "percentunit", "decimals": 1}
            ),
            lists.Column("Saved", 85, panels.cells(saved), _CENTS),
            lists.Column("Estimated", 90, panels.cells(estimated), _CENTS),
            lists.Column("Cost", 150, panels.cells(promql.spent(by)), {**_CENTS, **lists.cell_bar(panels.MONEY)}),
        ],
        sort="Cost",
        no_value=shared.NO_CALLS,
    )
    return even(8, table)
