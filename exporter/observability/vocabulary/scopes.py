"""Instrumentation scopes: who wrote a span."""

from __future__ import annotations

#: SDKs of providers that trace themselves: they see the HTTP answer.
_PROVIDER_SDKS = ("com.anthropic.sdk", "mistralai_sdk_tracer", "com.openai.sdk", "com.google.genai", "cohere.sdk")


def is_provider_sdk(scope: str) -> bool:
    """Whether ``scope`` is a provider's own SDK and no instrumentation of it."""
    return scope.startswith(_PROVIDER_SDKS)
