"""The demo: three LLM apps with real telemetry against a local simulator of hosted models.

It knows the stack's public surface only (the OTLP endpoint) and imports nothing of ``observability``.
"""
