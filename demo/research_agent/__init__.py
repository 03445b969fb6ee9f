"""research-agent: an agent that answers briefs with tools, an MCP server, a sub-agent and two providers.

Its calls of the ``openai`` client are seen by two instrumentations at once (OpenTelemetry's and OpenInference's), as
it happens to teams that add one and forget the other: each such call is two spans, and still one call.
"""
