"""A client of the Model Context Protocol and a server for it, over a pipe inside the process.

The messages are those of the protocol (JSON-RPC 2.0); the spans those of OpenTelemetry's conventions for MCP clients.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from demo.research_agent.briefs import WINTERS
from demo.research_agent.tools import ToolError
from demo.tally import Evenly, Tally

PROTOCOL_VERSION = "2025-06-18"
TOOL = "climate_data"
#: Advised for ``mcp.client.operation.duration``, seconds.
_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class ClimateServer:
    """Answers requests; it knows one tool, of whose calls the share ``error_ratio`` fails."""

    def __init__(self, latency_seconds: float = 0.04, error_ratio: float = 0.0) -> None:
        self._latency = latency_seconds
        self._fails = Evenly(error_ratio)

    def answer(self, message: str) -> str:
        """The response to a request, both as JSON."""
        request = json.loads(message)
        time.sleep(self._latency)
        match request["method"]:
            case "initialize":
                result: dict[str, Any] = {
                    "protocolVersion": PROTOCOL_VERSION,
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "climate", "version": "1.2.0"},
                }
            case "tools/list":
                schema = {"type": "object", "properties": {"station": {"type": "string"}}, "required": ["station"]}
                result = {"tools": [{"name": TOOL, "inputSchema": schema}]}
            case "tools/call" if request["params"]["name"] == TOOL:
                result = self._climate(request["params"]["arguments"]["station"])
            case method:
                error = {"code": -32601, "message": f"Method not found: {method}"}
                return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error})
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def _climate(self, station: str) -> dict[str, Any]:
        code = station.rpartition(" ")[2]
        if self._fails.due():
            return {"content": [{"type": "text", "text": f"no data of {code} at the moment"}], "isError": True}
        told = f"The lowest temperature of a usual winter at {code} is {WINTERS[code]} degrees Celsius."
        return {"content": [{"type": "text", "text": told}], "isError": False}


class Client:
    """One session with a server."""

    def __init__(self, server: ClimateServer, tally: Tally) -> None:
        self._server = server
        self._tally = tally
        self._tracer = trace.get_tracer("demo.research_agent.mcp")
        self._duration = metrics.get_meter("demo.research_agent.mcp").create_histogram(
            "mcp.client.operation.duration", unit="s", explicit_bucket_boundaries_advisory=_BUCKETS
        )
        self._ids = itertools.count(1)
        self._session = uuid.uuid4().hex

    def open(self) -> list[str]:
        """Begin the session; the names of the server's tools."""
        self._request("initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}})
        return [tool["name"] for tool in self._request("tools/list", {})["tools"]]

    def call_tool(self, name: str, call_id: str, **arguments: str) -> str:
        """The text that the tool answers; raises ToolError for an error of the tool or of the protocol."""
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": call_id}
        with self._tally.outcome("tool", name):
            params = {"name": name, "arguments": arguments}
            result = self._request("tools/call", params, target=name, attributes=attributes)
            text = " ".join(part["text"] for part in result["content"])
            if result["isError"]:
                raise ToolError(text)
            return text

    def _request(
        self, method: str, params: dict[str, Any], *, target: str = "", attributes: dict[str, str] | None = None
    ) -> dict[str, Any]:
        number = str(next(self._ids))
        described = {
            "mcp.method.name": method,
            "mcp.protocol.version": PROTOCOL_VERSION,
            "mcp.session.id": self._session,
            "jsonrpc.request.id": number,
            "network.transport": "pipe",
            **(attributes or {}),
        }
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"{method} {target}".rstrip(), kind=SpanKind.CLIENT, attributes=described
        ) as span:
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            response = json.loads(self._server.answer(json.dumps(message)))
            error = ""
            if "error" in response:
                error = str(response["error"]["code"])
                span.set_attribute("rpc.response.status_code", error)
            elif response["result"].get("isError"):
                error = "tool_error"
            if error:
                span.set_attribute("error.type", error)
                span.set_status(Status(StatusCode.ERROR, error))
            self._tally.add("mcp", method, "error" if error else "success")
        told = {"mcp.method.name": method, "network.transport": "pipe", **({"error.type": error} if error else {})}
        self._duration.record(time.perf_counter() - began, told)
        if "error" in response:
            raise ToolError(response["error"]["message"])
        result: dict[str, Any] = response["result"]
        return result
