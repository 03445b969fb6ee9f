"""The workflow around the agents: check the brief, research it, write the answer, judge it."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Sequence

import httpx
import openai
from openai.types.shared_params import ResponseFormatJSONSchema
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.genai.handler import TelemetryHandler

from demo.load import Outcome
from demo.provider_calls import ProviderErrors, error_kind, with_retry
from demo.research_agent import evaluation, mcp
from demo.research_agent.briefs import BRIEFS, FORBIDDEN, NOTES, Brief
from demo.research_agent.librarian import Librarian
from demo.research_agent.providers import Anthropic, Cohere
from demo.research_agent.researcher import PLANNER, Researcher
from demo.research_agent.tools import Tools
from demo.tally import Evenly, Tally

logger = logging.getLogger("demo.research_agent")

WORKFLOW = "research-brief"
GUARDRAIL = "input-policy"
#: The answer is streamed without asking for its usage, so its tokens are known by an estimate only.
WRITER = "gpt-4.1"
JUDGE = "gpt-4o-mini"
#: Weights that the team serves itself: no price list knows what that costs.
HOUSE_MODEL = "llama-3.3-70b-versatile"
#: Shares of the briefs: stopped by the guardrail, judged, given keywords by the house model.
FORBIDDEN_SHARE, JUDGED_SHARE, TAGGED_SHARE = 0.06, 0.5, 0.12
#: Briefs in a row that belong to one case.
CASE_LENGTH = 4

_POLICY = re.compile(r"ignore (all |any )?(previous|prior) instructions|system prompt|api keys?", re.IGNORECASE)
_SCORE: ResponseFormatJSONSchema = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"score": {"type": "number", "minimum": 0.4, "maximum": 1.0}},
            "required": ["score"],
            "additionalProperties": False,
        },
    },
}


class ResearchAgent:
    """The app."""

    def __init__(
        self,
        client: openai.OpenAI,
        http: httpx.Client,
        root: str,
        key: str,
        *,
        tool_error_ratio: float = 0.0,
        latency_scale: float = 1.0,
        careless_names: bool = False,
    ) -> None:
        """``root`` is the URL of the provider without ``/v1``, ``key`` the API key for it."""
        self.tally = Tally()
        self._client = client
        self._house = client.with_options(base_url=f"{root}/openai/v1")
        self._tracer = trace.get_tracer("demo.research_agent")
        self._genai = genai = TelemetryHandler(instrumentation_scope_name="demo.research_agent")
        self._climate = mcp.Client(mcp.ClimateServer(0.04 * latency_scale, tool_error_ratio), self.tally)
        anthropic = Anthropic(http, root, key, genai, self.tally)
        cohere = Cohere(http, root, key, self.tally)
        self._librarian = Librarian(client, anthropic, cohere, genai, self.tally, NOTES)
        tools = Tools(
            genai, self.tally, error_ratio=tool_error_ratio, latency_scale=latency_scale, careless_names=careless_names
        )
        self._researcher = Researcher(client, tools, self._climate, self._librarian, genai, self.tally)
        self._forbidden = Evenly(FORBIDDEN_SHARE)
        self._judged = Evenly(JUDGED_SHARE)
        self._tagged = Evenly(TAGGED_SHARE)

    def prepare(self) -> None:
        """Embed the notes and open the session with the MCP server; raises ``openai.APIError``."""
        with self._tracer.start_as_current_span("open library"):
            self._librarian.prepare()
            names = self._climate.open()
            logger.info("the climate server has %s", ", ".join(names), extra={"event": "prepared"})

    def interact(self, number: int, draw: random.Random) -> Outcome:
        """One brief; errors of a provider leave it to a person, and are never an exception here."""
        brief = FORBIDDEN if self._forbidden.due() else draw.choice(BRIEFS)
        case = f"case {number // CASE_LENGTH}"
        attributes = {"session.id": case, "user.id": f"analyst-{draw.randrange(8)}"}
        with self._tracer.start_as_current_span("POST /briefs", kind=SpanKind.SERVER, attributes=attributes) as span:
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            error: str | None = None
            logger.info("brief: %s", brief.title, extra={"event": "brief"})
            try:
                answer = self._answer(brief, case, draw)
            except ProviderErrors as failure:
                error = error_kind(failure)
                span.set_status(Status(StatusCode.ERROR, error))
                logger.error("brief %d is left to a person: %s", number, error, extra={"error.type": error})
            else:
                logger.info("answered: %s", answer, extra={"event": "answered"})
        return Outcome(trace_id, error, (PLANNER, WRITER), streamed=True)

    def _answer(self, brief: Brief, case: str, draw: random.Random) -> str:
        with self.tally.outcome("workflow", WORKFLOW), self._genai.workflow(WORKFLOW, conversation_id=case):
            if not self._allowed(brief):
                return "This brief is against our policy for inputs."
            notes = self._researcher.research(brief, case, draw)
            answer, writer = self._write(brief, notes)
            if self._tagged.due():
                self._tag(answer)
            if self._judged.due():
                self._judge(brief, answer, writer)
            return answer

    def _allowed(self, brief: Brief) -> bool:
        """The guardrail: whether nothing in the brief looks like an attack."""
        with self._tracer.start_as_current_span(
            f"guardrail {GUARDRAIL}", attributes={"openinference.span.kind": "GUARDRAIL", "guardrail.name": GUARDRAIL}
        ) as span:
            found = _POLICY.search(" ".join((brief.title, *brief.questions)))
            if found:
                span.set_status(Status(StatusCode.ERROR, "triggered"))
                logger.warning("the guardrail stops this brief", extra={"event": "guardrail"})
            self.tally.add("guardrail", GUARDRAIL, "triggered" if found else "passed")
        return found is None

    def _write(self, brief: Brief, notes: Sequence[str]) -> tuple[str, str]:
        """The answer, and the model that says of itself to have written it; raises ``openai.APIError``."""
        listed = "\n".join(notes)

        def call(model: str) -> tuple[str, str]:
            text = []
            with self._client.chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": "Write a short answer to the brief from the notes."},
                    {"role": "user", "content": f"{listed}\n\nQuestion: {brief.title}"},
                ],
                max_completion_tokens=400,
                stream=True,
            ) as chunks:
                for chunk in chunks:
                    model = chunk.model
                    text += [choice.delta.content or "" for choice in chunk.choices]
            return "".join(text), model

        return with_retry(logger, WRITER, call, fallback=None)

    def _tag(self, answer: str) -> None:
        """Keywords by the model that the team serves itself; the answer goes out without them if that fails."""
        try:
            self._house.chat.completions.create(
                model=HOUSE_MODEL,
                messages=[{"role": "user", "content": f"Five keywords for this text:\n{answer}"}],
                max_tokens=40,
            )
        except openai.APIError as error:
            logger.warning("no keywords: %s", error_kind(error), extra={"gen_ai.request.model": HOUSE_MODEL})

    def _judge(self, brief: Brief, answer: str, writer: str) -> None:
        """How helpful the ``answer`` of ``writer`` is, by another model; no verdict if that fails."""

        def call(model: str) -> str:
            reply = self._client.chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": "How helpful is the answer to the brief, from 0 to 1?"},
                    {"role": "user", "content": f"Brief: {brief.title}\nAnswer: {answer}"},
                ],
                response_format=_SCORE,
                temperature=0,
            )
            return reply.choices[0].message.content or ""

        try:
            score = json.loads(with_retry(logger, JUDGE, call))["score"]
        except (openai.APIError, json.JSONDecodeError) as error:  # not JSON: the content filter cut the answer off
            logger.warning("no verdict: %s", error, extra={"event": "not judged"})
            return
        verdict = evaluation.Verdict(evaluation.HELPFULNESS, score)
        evaluation.tell(verdict, writer)
        self.tally.add("evaluation", verdict.name, verdict.label)
