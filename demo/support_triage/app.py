"""An agent for support tickets: sort the ticket, look up the order that it names, and draft a reply."""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Sequence
from typing import Any

import openai
from openai.types.chat import (
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
)
from openinference.instrumentation import OITracer, TraceConfig, using_attributes
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from demo.load import Outcome
from demo.provider_calls import error_kind, with_retry
from demo.support_triage.tickets import CLASSIFICATION, LOOK_UP_ORDER, ORDERS, OTHER_TICKETS, TICKETS
from demo.tally import Tally, careless

logger = logging.getLogger("demo.support_triage")

AGENT = "triage"
CLASSIFIER, WRITER, REASONER = "gpt-4o-mini", "gpt-4o", "o4-mini"

_CLASSIFY = (
    "You sort support tickets for a maker of smart thermostats. Give the category, a priority from 1 (low) to 4 "
    "(urgent) and a summary of one sentence."
)
_REPLY = (
    "You draft a reply to a support ticket for a maker of smart thermostats. Be brief and friendly, use the facts of "
    "the order if there are any, promise nothing that is not in them, and sign as the support team."
)


class SupportTriage:
    """The app; its agent handles one ticket at a time in each thread."""

    def __init__(self, client: openai.OpenAI, *, careless_names: bool = False, other_topic_after: float = 0.0) -> None:
        """With ``careless_names`` each call of the tool goes under a name of its own. After so many seconds (0: never)
        customers write of another topic.
        """
        self._other_topic_at = time.monotonic() + other_topic_after if other_topic_after else math.inf
        self._careless = careless_names
        self.tally = Tally()
        self._client = client
        self._tracer = OITracer(trace.get_tracer("demo.support_triage"), config=TraceConfig())

    def prepare(self) -> None:
        """Nothing to do before the first ticket."""

    def interact(self, number: int, draw: random.Random) -> Outcome:
        """One ticket; errors of the provider leave it to a person, and are never an exception here."""
        ticket = draw.choice(TICKETS if time.monotonic() < self._other_topic_at else OTHER_TICKETS)
        streamed = draw.random() < 0.6
        thorough = ticket.category == "complaint" or draw.random() < 0.2
        writer = REASONER if thorough else WRITER
        with (
            using_attributes(session_id=f"ticket-{number}", user_id=f"customer-{draw.randrange(40)}"),
            self._tracer.start_as_current_span(
                "triage ticket",
                kind=SpanKind.SERVER,
                attributes={"agent.name": AGENT},
                openinference_span_kind="agent",
            ) as span,
        ):
            span.set_input(ticket.text)
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            error: str | None = None
            logger.info("ticket %d: %s", number, ticket.text, extra={"event": "ticket"})
            try:
                sorted_as = self.classify(ticket.text)
                facts = self.look_up(ticket.text)
                reply = self.reply(ticket.text, sorted_as, facts, writer, streamed=streamed)
            except openai.APIError as failure:
                error = error_kind(failure)
                self.tally.add("agent", AGENT, "error")
                span.set_status(Status(StatusCode.ERROR, error))
                logger.error("ticket %d is left to a person: %s", number, error, extra={"error.type": error})
            else:
                span.set_output(reply)
                span.set_status(Status(StatusCode.OK))
                self.tally.add("agent", AGENT, "success")
                logger.info(
                    "ticket %d is %s, priority %s",
                    number,
                    sorted_as["category"],
                    sorted_as["priority"],
                    extra={"event": "triaged", "category": sorted_as["category"]},
                )
        return Outcome(trace_id, error, (CLASSIFIER, writer), streamed)

    def classify(self, text: str) -> dict[str, Any]:
        """Category, priority and summary of a ticket; raises ``openai.APIError``."""

        def call(model: str) -> ChatCompletionMessage:
            reply = self._client.chat.completions.create(
                model=model,
                messages=[{"role": "system", "content": _CLASSIFY}, {"role": "user", "content": text}],
                response_format=CLASSIFICATION,
                temperature=0,
            )
            return reply.choices[0].message

        message = with_retry(logger, CLASSIFIER, call)
        try:
            sorted_as: dict[str, Any] = json.loads(message.content or "")
        except json.JSONDecodeError:  # the content filter cut the answer off
            logger.warning("the classification is not complete; a person will sort this ticket")
            return {"category": "unsorted", "priority": 2, "summary": text}
        return sorted_as

    def look_up(self, text: str) -> list[ChatCompletionMessageParam]:
        """The conversation about the order that ``text`` names, with its facts; empty if it names none."""
        asked: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": "Call a tool if the ticket names an order."},
            {"role": "user", "content": text},
        ]

        def call(model: str) -> ChatCompletionMessage:
            reply = self._client.chat.completions.create(
                model=model,
                messages=asked,
                tools=[LOOK_UP_ORDER],
                max_completion_tokens=80,
            )
            return reply.choices[0].message

        message = with_retry(logger, CLASSIFIER, call)
        facts: list[ChatCompletionMessageParam] = []
        for called in message.tool_calls or ():
            if called.type != "function":
                continue
            arguments = json.loads(called.function.arguments)
            found = self.look_up_order(**arguments)
            asked_for: ChatCompletionMessageFunctionToolCallParam = {
                "id": called.id,
                "type": "function",
                "function": {"name": called.function.name, "arguments": called.function.arguments},
            }
            facts.append({"role": "assistant", "tool_calls": [asked_for]})
            facts.append({"role": "tool", "tool_call_id": called.id, "content": found})
        return facts

    def look_up_order(self, order: str) -> str:
        """The tool: what is known of an order, as JSON."""
        name = careless("look_up_order") if self._careless else "look_up_order"
        with (
            self.tally.outcome("tool", name),
            self._tracer.start_as_current_span(name, openinference_span_kind="tool") as span,
        ):
            span.set_tool(name=name, parameters={"order": order})
            found = json.dumps(ORDERS.get(order, {"order": order, "status": "unknown"}))
            span.set_output(found)
            span.set_status(Status(StatusCode.OK))
            return found

    def reply(
        self,
        text: str,
        sorted_as: dict[str, Any],
        facts: Sequence[ChatCompletionMessageParam],
        model: str,
        *,
        streamed: bool,
    ) -> str:
        """A draft of the reply; raises ``openai.APIError``."""
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": f"{_REPLY} The ticket was sorted as {sorted_as['category']}."},
            {"role": "user", "content": text},
            *facts,
        ]
        call = self._stream if streamed else self._complete
        return with_retry(logger, model, lambda name: call(name, messages))

    def _complete(self, model: str, messages: list[ChatCompletionMessageParam]) -> str:
        reply = self._client.chat.completions.create(model=model, messages=messages, max_completion_tokens=1200)
        return reply.choices[0].message.content or ""

    def _stream(self, model: str, messages: list[ChatCompletionMessageParam]) -> str:
        with self._client.chat.completions.create(
            model=model,
            messages=messages,
            max_completion_tokens=1200,
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks:
            return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
