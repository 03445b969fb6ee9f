"""What the apps do around a call to a provider: naming its errors, and one retry where a retry makes sense."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import openai

T = TypeVar("T")

#: Used when the model that was asked for is not to be had.
FALLBACK_MODEL = "gpt-4o-mini"
#: Seconds that an app waits after a 429, at most, whatever the provider says.
LONGEST_WAIT = 2.0


def api_key(service: str) -> str:
    """The key of ``service`` at the provider, which says who calls."""
    return f"sk-demo-{service}"


def make_client(service: str, base_url: str, timeout: float) -> openai.OpenAI:
    """The client of ``service``: no retries of its own (see :func:`with_retry`) and no proxy, the provider is local."""
    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key(service),
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )


class CallError(Exception):
    """A failed call to a provider that has no client library here; ``kind`` is one of :func:`error_kind`'s.

    ``type`` is what the provider itself calls the error, ``wait`` how many seconds it asks to wait before the next try.
    """

    def __init__(self, kind: str, message: str, *, type_: str, wait: float = 0.5) -> None:
        super().__init__(message)
        self.kind = kind
        self.type = type_
        self.wait = wait


#: What a call to a provider raises.
ProviderErrors = (openai.APIError, CallError)


def error_kind(error: Exception) -> str:
    """The kind of ``error``, by the provider's code where it gives one and by HTTP status where it does not."""
    match error:
        case CallError():
            return error.kind
        case openai.APITimeoutError():
            return "timeout"
        case openai.RateLimitError():
            return "rate_limit_exceeded"
        case openai.NotFoundError():
            return "model_not_found"
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "authentication"
        case openai.BadRequestError():
            return "content_filter" if error.code == "content_filter" else "invalid_request"
        case openai.InternalServerError():
            return "server_error"
        case _:
            return "other"


def asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds that a provider asks to wait (``retry-after-ms``, ``retry-after``); half a second if it says nothing."""
    if milliseconds := headers.get("retry-after-ms"):
        return min(LONGEST_WAIT, float(milliseconds) / 1000)
    return min(LONGEST_WAIT, float(headers.get("retry-after", 0.5)))


def wait_seconds(error: openai.APIError | CallError) -> float:
    """How long to wait after ``error``, as its provider asks."""
    if isinstance(error, CallError):
        return error.wait
    return asked_wait(error.response.headers if isinstance(error, openai.APIStatusError) else {})


def with_retry(
    logger: logging.Logger, model: str, call: Callable[[str], T], *, fallback: str | None = FALLBACK_MODEL
) -> T:
    """``call(model)``; after a 429 once more, after a 404 once with the ``fallback`` model if there is one.

    The client itself retries nothing (``max_retries=0``), so each attempt is a span of its own and a request of its
    own at the provider. Raises the ``openai.APIError`` or :class:`CallError` of the last attempt.
    """
    try:
        return call(model)
    except ProviderErrors as error:
        kind = error_kind(error)
        if kind == "rate_limit_exceeded":
            wait = wait_seconds(error)
            logger.warning("rate limited; trying again in %.2f s", wait, extra={"gen_ai.request.model": model})
            time.sleep(wait)
            return call(model)
        if kind == "model_not_found" and fallback not in (None, model):
            logger.warning("%s is not available; using %s", model, fallback, extra={"gen_ai.request.model": model})
            return call(str(fallback))
        raise
