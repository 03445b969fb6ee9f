"""LLM: traffic, errors, latency, streaming, tokens, quality and price of model calls, and the models side by side."""

from __future__ import annotations

from dashboards_src import evaluations, lists, llm_tokens, measures, panels, promql, shared, verdicts
from dashboards_src.grafana import Json, Line, PrometheusTarget, Section, dashboard, even
from observability.catalogue import (
    LLM_COST_PER_HOUR,
    LLM_ERRORS,
    LLM_REQUEST_LATENCY,
    LLM_REQUESTS,
    LLM_REQUESTS_PER_MINUTE,
    LLM_STREAMING_REQUESTS,
    LLM_TIME_PER_OUTPUT_TOKEN,
    LLM_TIME_TO_FIRST_TOKEN,
    LLM_TOKEN_COST,
    LLM_TOKEN_USAGE,
    LLM_UNPRICED_REQUESTS,
)
from observability.settings import Settings

_CALLS = promql.series(LLM_REQUESTS)


def build(settings: Settings) -> Json:
    """The dashboard ``ai-llm``."""
    return dashboard(
        uid=shared.LLM_UID,
        title="LLM",
        description="Traffic, errors, latency, tokens, quality and price of model calls, and the models side by side.",
        sections=[
            Section("", [_now(settings), _now_tokens(settings)]),
            Section("Traffic and errors", [_traffic(settings), _error_types()]),
            Section("Latency", [_latency(settings), _streaming(settings)]),
            Section("Tokens and cost", [llm_tokens.speed(settings), llm_tokens.reported(settings), llm_tokens.cost()]),
            Section("Models side by side", [_comparison(settings)]),
            Section("Evaluations", [evaluations.line(settings)]),
            Section("Failed calls", [_failures()]),
        ],
        variables=shared.call_variables(),
        annotations=shared.alert_marks(),
        links=shared.links(shared.LLM_UID),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    window = settings.alerts.window
    unpriced = promql.total(promql.increase(promql.series(LLM_UNPRICED_REQUESTS)))
    return even(
        4,
        panels.stat(
            "Requests per min",
            "Calls of the selected models, averaged over 5 minutes.",
            panels.query(promql.total(promql.series(LLM_REQUESTS_PER_MINUTE))),
            unit="short",
            no_value=shared.NO_CALLS,
            decimals=1,
        ),
        verdicts.error_stat(settings, "Error rate"),
        verdicts.latency_stat(settings, "Latency p95"),
        panels.stat(
            "First token p95",
            f"How long a reader waits for the first word of a streamed answer, over {window}.",
            panels.query(promql.quantile(0.95, LLM_TIME_TO_FIRST_TOKEN, window=window)),
            unit="s",
            no_value=shared.NO_STREAM,
            steps=verdicts.near(settings.alerts.slow_first_token.p95_seconds),
        ),
        panels.stat(
            "Cost per hour",
            "Spending rate of the selected models over 5 minutes, in US dollars per hour.",
            panels.query(promql.total(promql.series(LLM_COST_PER_HOUR))),
            unit="currencyUSD",
            no_value=shared.NO_CALLS,
            decimals=2,
        ),
        panels.stat(
            "Unpriced requests",
            "Calls in the time range whose cost is unknown because no price list names the model; they are in no cost "
            "figure. The Cost dashboard names them. Zero is shown only where calls were seen.",
            panels.instant(f"{unpriced} or 0 * {promql.total(promql.increase(_CALLS))}"),
            unit="short",
            no_value=shared.NO_CALLS,
            steps=((1, panels.WARNING),),
            decimals=0,
            links=[shared.board_data_link(shared.COST_UID)],
        ),
    )


def _now_tokens(settings: Settings) -> Line:
    window = settings.alerts.window
    streamed = promql.share(
        promql.rate(promql.series(LLM_STREAMING_REQUESTS), window),
        promql.rate(llm_tokens.GENERATING, window),
    )
    return even(
        4,
        panels.stat(
            "Tokens per second",
            f"All types of tokens of the selected models, read and written, over {window}.",
            panels.query(promql.total(promql.rate(promql.series(LLM_TOKEN_USAGE), window))),
            unit="short",
            no_value=shared.NO_CALLS,
            decimals=1,
        ),
        panels.stat(
            "Output speed p50",
            f"Tokens per second of a streamed answer once it has begun: one over the median time per token, {window}.",
            panels.query(f"1 / ({promql.quantile(0.5, LLM_TIME_PER_OUTPUT_TOKEN, window=window)} > 0)"),
            unit="suffix: tok/s",
            no_value=shared.NO_STREAM,
            decimals=0,
        ),
        panels.stat(
            "Streamed",
            f"Share of the calls that generate text whose answer was streamed, over {window}.",
            panels.query(streamed),
            unit="percentunit",
            no_value=shared.NO_CALLS,
            decimals=1,
        ),
        panels.stat(
            "Cache hits",
            f"Share of the input tokens that came from the provider's prompt cache, over {window}.",
            panels.query(llm_tokens.cache_hits(window)),
            unit="percentunit",
            no_value=shared.NO_CALLS,
            decimals=1,
        ),
        panels.stat(
            "No usage",
            f"Share of the calls whose span brought no token usage, over {window}: what they cost is an estimate, or "
            "unknown.",
            panels.query(llm_tokens.without_usage(window)),
            unit="percentunit",
            no_value=shared.NO_CALLS,
            steps=verdicts.half(settings.alerts.usage_not_reported.ratio),
            decimals=1,
        ),
        panels.stat(
            "Tokens per call",
            f"Mean of all types of tokens, read and written, of a call that reported them, over {window}.",
            panels.query(llm_tokens.per_call(window)),
            unit="locale",
            no_value=shared.NO_CALLS,
            decimals=0,
        ),
    )


def _traffic(settings: Settings) -> Line:
    errors = promql.total(promql.increase(promql.series(LLM_ERRORS), promql.RATE), ("error_type",))
    return even(
        8,
        measures.per_minute(
            "Requests per minute by model",
            "Calls of each model; the height of the stack is the total.",
            LLM_REQUESTS,
            "model",
            no_value=shared.NO_CALLS,
        ),
        measures.failed(
            "Error rate by model",
            "Share of the calls of each model that failed. Dashed: where HighLLMErrorRate begins.",
            LLM_REQUESTS,
            "model",
            window=settings.alerts.window,
            no_value=shared.NO_CALLS,
            limit=settings.alerts.high_llm_error_rate.ratio,
        ),
        panels.chart(
            "Errors by type",
            "Failed calls per step of the chart, by kind of error.",
            panels.query(errors, "{{error_type}}"),
            unit="short",
            no_value="No call failed in this range",
            stacked=True,
            bars=True,
            overrides=panels.fixed_colors(panels.ERRORS),
        ),
    )


def _error_types() -> Line:
    who = ("service", "provider", "model")
    errors = promql.total(promql.increase(promql.series(LLM_ERRORS)), ("error_type", *who))
    calls = promql.total(promql.increase(_CALLS), who)
    by_model = promql.total(promql.increase(promql.series(LLM_ERRORS), promql.RATE), ("model",))
    return Line(
        8,
        [
            (
                16,
                lists.table(
                    "Top errors",
                    "What went wrong most in the time range, and for whom. Click a service to see its failed traces.",
                    by={
                        "error_type": lists.Label("Error", 170),
                        "service": lists.Label("Service", 140, [shared.traces_of("Service", failed=True)]),
                        "provider": lists.Label("Provider", 90),
                        "model": lists.Label("Model", 170),
                    },
                    columns=[
                        lists.Column(
                            "Errors",
                            120,
                            panels.cells(f"{errors} > 0"),
                            {"unit": "locale", "decimals": 0, **lists.cell_bar(panels.BAD)},
                        ),
                        lists.Column(
                            "Of its calls",
                            110,
                            panels.cells(f"({errors} > 0) / on ({', '.join(who)}) group_left () ({calls} > 0)"),
                            {"unit": "percentunit", "decimals": 1},
                        ),
                    ],
                    sort="Errors",
                    no_value="No call failed in this range",
                ),
            ),
            (
                8,
                panels.chart(
                    "Errors by model",
                    "Failed calls per step of the chart, by model.",
                    panels.query(by_model, "{{model}}"),
                    unit="short",
                    no_value="No call failed in this range",
                    stacked=True,
                    bars=True,
                ),
            ),
        ],
    )


def _latency(settings: Settings) -> Line:
    return even(
        9,
        measures.quantiles(
            "Latency",
            "Duration of a call as the client saw it. Dashed: where HighLLMLatency begins.",
            LLM_REQUEST_LATENCY,
            unit="s",
            no_value=shared.NO_CALLS,
            calcs=("lastNotNull", "mean", "max"),
            steps=((settings.alerts.high_llm_latency.p95_seconds, panels.BAD),),
        ),
        measures.distribution(
            "Latency distribution",
            "How many calls took how long. Two bands are two populations: two models, or cached and not.",
            LLM_REQUEST_LATENCY,
            unit="s",
            no_value=shared.NO_CALLS,
        ),
    )


def _streaming(settings: Settings) -> Line:
    limit = settings.alerts.slow_first_token.p95_seconds
    return even(
        8,
        measures.quantiles(
            "Time to first token",
            "How long a reader waits for the first word of a streamed answer. Dashed: where LLMSlowFirstToken begins.",
            LLM_TIME_TO_FIRST_TOKEN,
            (0.5, 0.95),
            unit="s",
            no_value=shared.NO_STREAM,
            steps=((limit, panels.BAD),),
        ),
        measures.quantile_by(
            "Time to first token p95 by model",
            "The slowest twentieth of the streamed answers of each model begin later than this.",
            LLM_TIME_TO_FIRST_TOKEN,
            "model",
            unit="s",
            no_value=shared.NO_STREAM,
        ),
        measures.quantiles(
            "Time per output token",
            "Time between the tokens of a streamed answer, after the first one.",
            LLM_TIME_PER_OUTPUT_TOKEN,
            (0.5, 0.95),
            unit="s",
            no_value=shared.NO_STREAM,
        ),
    )


def _comparison(settings: Settings) -> Line:
    by, window = ("provider", "model"), promql.RANGE
    calls = promql.total(promql.increase(_CALLS), by)
    tokens = promql.total(promql.increase(promql.series(LLM_TOKEN_USAGE)), by)
    cost, priced = promql.spent(by), promql.total(promql.increase(promql.series(LLM_TOKEN_COST)), by)
    seconds: Json = {"unit": "s"}
    money: Json = {"unit": "currencyUSD", "decimals": 5}

    def quantile(q: float) -> PrometheusTarget:
        return panels.cells(f"{promql.quantile(q, LLM_REQUEST_LATENCY, by, window)} >= 0")

    first = f"{promql.quantile(0.95, LLM_TIME_TO_FIRST_TOKEN, by, window)} >= 0"
    columns = [
        lists.Column(
            "Calls", 120, panels.cells(f"{calls} > 0"), {"unit": "locale", "decimals": 0, **lists.cell_bar("blue")}
        ),
        lists.Column(
            "Errors",
            75,
            panels.cells(promql.failed(LLM_REQUESTS, window, by)),
            {"unit": "percentunit", "decimals": 1, **lists.cell_color(verdicts.error_steps(settings))},
        ),
        lists.Column("p50", 75, quantile(0.5), seconds),
        lists.Column("p95", 75, quantile(0.95), {**seconds, **lists.cell_color(verdicts.latency_steps(settings))}),
        lists.Column("First token p95", 135, panels.cells(first), seconds),
        lists.Column("Per call", 90, panels.cells(f"{cost} / ({calls} > 0)"), money),
        lists.Column("Per 1k tokens", 120, panels.cells(f"1000 * {priced} / ({tokens} > 0)"), money),
        lists.Column(
            "Cache hits",
            95,
            panels.cells(llm_tokens.cache_hits(window, by)),
            {"unit": "percentunit", "decimals": 1},
        ),
        lists.Column("Cost", 130, panels.cells(cost), {**money, "decimals": 2, **lists.cell_bar(panels.MONEY)}),
    ]
    table = lists.table(
        "Model comparison",
        "Every model of the selection over the time range: how much, how well, how fast, at what price in US dollars.",
        by={"provider": lists.Label("Provider", 100), "model": lists.Label("Model", 200)},
        columns=columns,
        sort="Calls",
        no_value=shared.NO_CALLS,
    )
    return even(8, table)


def _failures() -> Line:
    line = (
        '{job="interactions", status="error", service=~"$service", model=~"$model"} | json | provider=~"$provider" '
        '| line_format "{{.service}}  {{.model}}  {{.error_type}}  '
        'after {{.latency_seconds | float64 | printf `%.2f`}} s"'
    )
    panel = lists.logs(
        "Failed calls",
        "Rows of the interaction log that ended in an error, newest first. The trace id opens the trace.",
        line,
        no_value="No call failed in this range",
    )
    return even(9, panel)
