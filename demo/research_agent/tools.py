"""The agent's own tools: one fast, one slow, one that fails now and then."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from openai.types.chat import ChatCompletionFunctionToolParam
from opentelemetry.util.genai.handler import TelemetryHandler

from demo.research_agent.briefs import ENERGY, PAGES, STANDARDS
from demo.tally import Evenly, Tally, careless

#: Median seconds of each tool at latency scale 1, and the deviation of their logarithm.
_SECONDS = {"look_up_standard": 0.02, "energy_statistics": 0.6, "read_page": 0.15}
_SIGMA = 0.5


class ToolError(Exception):
    """A tool could not do what it was asked for; the message is for the model."""


class Tools:
    """Runs tools, an ``execute_tool`` span each.

    ``error_ratio`` of the calls of ``read_page`` fail. With ``careless_names`` each call goes under a name of its own,
    as from code that puts an id into a name: what the exporter's limit of label values is made for.
    """

    def __init__(
        self,
        genai: TelemetryHandler,
        tally: Tally,
        *,
        error_ratio: float = 0.0,
        latency_scale: float = 1.0,
        careless_names: bool = False,
    ) -> None:
        self._genai = genai
        self._tally = tally
        self._scale = latency_scale
        self._careless = careless_names
        self._page_is_gone = Evenly(error_ratio)
        self._functions: dict[str, Callable[..., str]] = {
            "look_up_standard": self._standard,
            "energy_statistics": self._energy,
            "read_page": self._page,
        }

    def run(
        self,
        name: str,
        call_id: str,
        arguments: dict[str, Any],
        draw: random.Random,
        others: Mapping[str, Callable[..., str]],
    ) -> str:
        """What the tool ``name`` says to ``arguments``: one of this module's, or of ``others``.

        Raises ToolError, and whatever one of ``others`` raises.
        """
        shown = careless(name) if self._careless else name
        with (
            self._tally.outcome("tool", shown),
            self._genai.tool(shown, tool_type="function") as invocation,
        ):
            invocation.tool_call_id = call_id
            invocation.arguments = arguments
            if median := _SECONDS.get(name):
                time.sleep(median * math.exp(draw.gauss(0, _SIGMA)) * self._scale)
            found = {**self._functions, **others}[name](**arguments)
            invocation.tool_result = found
        return found

    def _standard(self, code: str) -> str:
        if code not in STANDARDS:
            return f"{code} is not in the library."
        return STANDARDS[code]

    def _energy(self, country: str) -> str:
        return json.dumps({"country": country, "households_terajoules_a_year": ENERGY[country]})

    def _page(self, url: str) -> str:
        if self._page_is_gone.due():
            raise ToolError(f"{url}: 503 Service Unavailable")
        return PAGES[url]


def function(name: str, description: str, **patterns: str) -> ChatCompletionFunctionToolParam:
    """A tool as the model is told of it; its arguments are strings of these patterns (empty: any)."""
    properties: dict[str, object] = {
        argument: {"type": "string", **({"pattern": pattern} if pattern else {})}
        for argument, pattern in patterns.items()
    }
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": properties, "required": list(patterns)},
        },
    }


#: The tools of this module, in the order in which the model should think of them.
TOLD = (
    function("look_up_standard", "What a European standard says.", code="EN [0-9]{5}"),
    function("energy_statistics", "Energy use of households by country.", country="|".join(ENERGY)),
    function("read_page", "The text of a page on the web.", url="https://[a-z./-]+[a-z]"),
)
