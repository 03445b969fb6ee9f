"""What the GenAI dialects call things, as tables; nothing outside this package knows a name on the wire.

A dialect is data: ordered attribute names per canonical field, value tables, and patterns. Sources: the OpenTelemetry
GenAI semantic conventions with their deprecated names, the OpenInference semantic conventions, and the attributes that
OpenLLMetry (Traceloop), OpenLIT, LiteLLM, the Vercel AI SDK, Langfuse, pydantic-ai and others send.
"""
