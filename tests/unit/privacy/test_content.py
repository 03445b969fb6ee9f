"""Which names hold content, and that the gateway's file says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from observability import content
from observability.content import is_content, is_content_event, is_content_log
from tests.unit.privacy.gateway import CONFIG, DROP


def names(text: str) -> list[str]:
    return text.split()


CONTENT = names(
    """
    gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.prompt gen_ai.prompt.0.content
    gen_ai.completion gen_ai.completion.0.content gen_ai.completion.3.tool_calls.0.arguments gen_ai.tool.call.arguments
    gen_ai.tool.call.result gen_ai.tool.definitions gen_ai.retrieval.query.text gen_ai.retrieval.documents
    gen_ai.prompt.variable.name gen_ai.evaluation.explanation input.value output.value
    llm.input_messages.0.message.content llm.output_messages.12.message.tool_calls.0.tool_call.function.arguments
    llm.prompts llm.prompts.0 llm.prompt_template.template llm.prompt_template.variables llm.choices
    llm.tools.0.tool.json_schema retrieval.documents.0.document.content embedding.embeddings.0.embedding.text
    embedding.embeddings.0.embedding.vector reranker.input_documents.0.document.content reranker.query tool.parameters
    traceloop.entity.input traceloop.entity.output ai.prompt ai.prompt.messages ai.response.text ai.response.object
    ai.response.toolCalls ai.toolCall.args ai.toolCall.result ai.values ai.embedding ai.embeddings
    langfuse.observation.input langfuse.observation.output langfuse.trace.input langfuse.trace.output
    llm.openai.messages llm.anthropic.content llm.anthropic.system llm.None.input llm.openai.choices messages
    messages.0.content prompt completion pydantic_ai.all_messages all_messages_events final_result tool_arguments
    mlflow.spanInputs mlflow.spanOutputs http.request.body mcp.request.argument documents
    """
)
KEPT = names(
    """
    gen_ai.operation.name gen_ai.provider.name gen_ai.system gen_ai.request.model gen_ai.response.model
    gen_ai.response.id gen_ai.response.finish_reasons gen_ai.usage.input_tokens gen_ai.usage.output_tokens
    gen_ai.usage.prompt_tokens gen_ai.usage.completion_tokens gen_ai.usage.cache_read.input_tokens
    gen_ai.usage.details.reasoning_tokens gen_ai.usage.cost gen_ai.prompt.name gen_ai.prompt.version gen_ai.tool.name
    gen_ai.tool.type gen_ai.tool.call.id gen_ai.agent.name gen_ai.conversation.id gen_ai.evaluation.name
    gen_ai.evaluation.score.value gen_ai.evaluation.score.label gen_ai.retrieval.top_k gen_ai.output.type
    gen_ai.response.time_to_first_chunk gen_ai.data_source.id gen_ai.cost.input_cost llm.token_count.prompt
    llm.token_count.completion llm.token_count.prompt_details.cache_read llm.cost.prompt llm.usage.total_tokens
    llm.usage.prompt_tokens llm.model_name llm.provider llm.request.type llm.is_streaming llm.finish_reason
    llm.openai.usage llm.openai.model llm.invocation_parameters input.mime_type openinference.span.kind
    embedding.model_name reranker.model_name reranker.top_k tool.name traceloop.span.kind traceloop.entity.name
    traceloop.association.properties.user ai.usage.promptTokens ai.usage.completionTokens ai.usage.cachedInputTokens
    ai.response.id ai.response.model ai.response.finishReason ai.response.providerMetadata ai.response.msToFirstChunk
    ai.model.id ai.model.provider ai.toolCall.name ai.toolCall.id ai.operationId ai.telemetry.metadata.team
    langfuse.observation.type langfuse.observation.model.name langfuse.observation.usage_details
    langfuse.observation.cost_details service.name session.id user.id error.type exception.type exception.message
    http.response.status_code server.address metadata tag.tags db.system db.operation.name mcp.method.name
    messages.count prompt_tokens completion_tokens
    """
)


@pytest.mark.parametrize("name", CONTENT)
def test_a_name_of_content_is_known(name: str) -> None:
    assert is_content(name)


@pytest.mark.parametrize("name", KEPT)
def test_what_is_counted_is_not_content(name: str) -> None:
    assert not is_content(name)


def test_events_of_older_conventions_are_content_and_exceptions_are_not() -> None:
    for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "llm.content.completion.chunk"):
        assert is_content_event(name)
    for name in (
        "exception",
        "First Token Stream Event",
        "gen_ai.evaluation.result",
        "gen_ai.client.operation.exception",
    ):
        assert not is_content_event(name)
    assert is_content_log("gen_ai.client.inference.operation.details")
    assert not is_content_log("")
    assert not is_content_log("my.event")


def drop_file() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(DROP.read_text(encoding="utf-8"))
    return document


def test_the_gateway_deletes_the_attributes_of_this_list() -> None:
    actions = drop_file()["processors"]["attributes/drop_content"]["actions"]
    assert actions == [{"action": "delete", "pattern": f"^(?:{pattern})$"} for pattern in content.PATTERNS]


def test_the_gateway_drops_the_events_of_this_list() -> None:
    processor = drop_file()["processors"]["filter/drop_content"]
    wanted = [f'IsMatch(name, "^(?:{_quoted(pattern)})$")' for pattern in content.EVENT_PATTERNS]
    wanted += [f'attributes["{name}"] != nil' for name in content.EVENT_ATTRIBUTES]
    assert processor["traces"] == {"spanevent": wanted}
    pattern = f'"^(?:{_quoted(content.LOG_EVENT_PATTERN)})$"'
    assert processor["logs"]["log_record"] == [
        f"IsMatch(event_name, {pattern}) and body != nil",
        f'IsMatch(attributes["event.name"], {pattern}) and body != nil',
    ]
    assert all(is_content(name) or name == "gen_ai.event.content" for name in content.EVENT_ATTRIBUTES)


def _quoted(pattern: str) -> str:
    return pattern.replace("\\", "\\\\")


def test_every_pipeline_of_traces_and_logs_drops_before_it_batches_and_keeps_its_other_processors() -> None:
    base = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["service"]["pipelines"]
    changed = drop_file()["service"]["pipelines"]
    dropping = ["attributes/drop_content", "filter/drop_content"]
    carrying = {name for name in base if name.partition("/")[0] in {"traces", "logs"}}
    assert set(changed) == carrying
    for name in carrying:
        before = base[name]["processors"]
        place = before.index("batch")
        assert changed[name] == {"processors": [*before[:place], *dropping, *before[place:]]}, name


def test_the_patterns_are_understood_by_the_gateway_too() -> None:
    for pattern in (*content.PATTERNS, *content.EVENT_PATTERNS, content.LOG_EVENT_PATTERN):
        assert not re.search(r"\(\?[=!<P]|\\[1-9]|[*+?}]\+", pattern), f"RE2 has no {pattern}"
