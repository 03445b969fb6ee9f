"""Span events and log records that say something countable."""

from __future__ import annotations

#: At the moment when the first part of a streamed answer arrived.
FIRST_TOKEN = frozenset({
    "First Token Stream Event", "gen_ai.first_token", "llm.content.completion.chunk", "gen_ai.content.completion.chunk",
    "ai.stream.firstChunk", "first_token", "mlflow.chunk.item.0",
})  # fmt: skip
EXCEPTIONS = frozenset({"exception", "gen_ai.client.operation.exception"})
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
#: An exception that the reader of a stream caused by leaving; the call itself did not fail.
ABANDONED = frozenset(
    {"GeneratorExit", "CancelledError", "asyncio.exceptions.CancelledError", "builtins.GeneratorExit"}
)
EVALUATION = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_SCORE = ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score")
EVALUATION_LABEL = ("gen_ai.evaluation.score.label", "gen_ai.evaluation.label")
#: Prompts and answers in events of the span or as log records (deprecated).
INPUT_MESSAGES = frozenset({
    "gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message",
    "gen_ai.content.prompt",
})  # fmt: skip
OUTPUT_MESSAGES = frozenset({"gen_ai.choice", "gen_ai.content.completion"})
