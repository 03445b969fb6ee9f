"""The agent: takes the questions of a brief one by one, and lets the model call tools for each."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable

import openai
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
)
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.invocation import LocalAgentInvocation

from demo.provider_calls import with_retry
from demo.research_agent import mcp, tools
from demo.research_agent.briefs import Brief
from demo.research_agent.librarian import Librarian
from demo.tally import Tally

logger = logging.getLogger("demo.research_agent")

AGENT = "researcher"
PLANNER = "gpt-4o"
LIBRARIAN = "ask_librarian"
#: Times that a question is asked again after a tool failed.
TRIES = 2

_SYSTEM = (
    "You are a researcher for a maker of smart thermostats. Answer each question from what your tools tell you. "
    "If a tool fails, try once more, and say so if it fails again."
)
#: In the order in which the model should think of them: whoever names nothing that a tool knows is for the librarian.
_TOLD = (
    *tools.TOLD,
    tools.function(mcp.TOOL, "Lowest temperature of a usual winter at a weather station.", station="station [A-Z]{3}"),
    tools.function(LIBRARIAN, "Ask the librarian what our own notes say.", question=""),
)


class Researcher:
    """Runs in any number of threads."""

    def __init__(
        self,
        client: openai.OpenAI,
        own_tools: tools.Tools,
        climate: mcp.Client,
        librarian: Librarian,
        genai: TelemetryHandler,
        tally: Tally,
    ) -> None:
        self._client = client
        self._tools = own_tools
        self._climate = climate
        self._librarian = librarian
        self._genai = genai
        self._tally = tally

    def research(self, brief: Brief, case: str, draw: random.Random) -> list[str]:
        """A note on each question of ``brief``; raises ``openai.APIError`` or CallError."""
        messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": _SYSTEM}]
        with (
            self._tally.outcome("agent", AGENT),
            self._genai.invoke_local_agent(agent_name=AGENT, request_model=PLANNER, conversation_id=case) as agent,
        ):
            notes = []
            for question in brief.questions:
                messages.append({"role": "user", "content": question})
                for left in reversed(range(TRIES)):
                    good = self._act(self._think(messages, agent), messages, case, draw)
                    if good or not left:
                        break
                    messages.append({"role": "user", "content": question})
                text = self._think(messages, agent).choices[0].message.content or ""
                messages.append({"role": "assistant", "content": text})
                notes.append(text)
        return notes

    def _think(self, messages: list[ChatCompletionMessageParam], agent: LocalAgentInvocation) -> ChatCompletion:
        def call(model: str) -> ChatCompletion:
            return self._client.chat.completions.create(
                model=model, messages=messages, tools=list(_TOLD), max_completion_tokens=300
            )

        reply = with_retry(logger, PLANNER, call)
        # As frameworks do it: what the agent's span repeats of the calls inside must not count a second time.
        if reply.usage is not None:
            agent.input_tokens = (agent.input_tokens or 0) + reply.usage.prompt_tokens
            agent.output_tokens = (agent.output_tokens or 0) + reply.usage.completion_tokens
        return reply

    def _act(
        self, reply: ChatCompletion, messages: list[ChatCompletionMessageParam], case: str, draw: random.Random
    ) -> bool:
        """Run the tools that ``reply`` asks for and put what they say into ``messages``; False if one failed."""
        good = True
        for called in reply.choices[0].message.tool_calls or ():
            if not isinstance(called, ChatCompletionMessageFunctionToolCall):
                continue
            try:
                found = self._run(called, case, draw)
            except tools.ToolError as error:
                good = False
                found = f"The tool failed: {error}"
                logger.warning("%s failed: %s", called.function.name, error, extra={"event": "tool failed"})
            messages.append(
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": called.id,
                            "type": "function",
                            "function": {"name": called.function.name, "arguments": called.function.arguments},
                        }
                    ],
                }
            )
            messages.append({"role": "tool", "tool_call_id": called.id, "content": found})
        return good

    def _run(self, called: ChatCompletionMessageFunctionToolCall, case: str, draw: random.Random) -> str:
        name, arguments = called.function.name, json.loads(called.function.arguments)
        if name == mcp.TOOL:
            return self._climate.call_tool(name, called.id, **arguments)
        others: dict[str, Callable[..., str]] = {LIBRARIAN: lambda question: self._librarian.ask(question, case)}
        return self._tools.run(name, called.id, arguments, draw, others)
