"""The demo: two LLM apps with real telemetry against a local OpenAI-compatible provider.

It knows the stack's public surface only (the OTLP endpoint) and imports nothing of ``observability``.
"""
