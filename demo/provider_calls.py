"""What both apps do around a call to the provider: naming its errors, and one retry where a retry makes sense."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import openai

T = TypeVar("T")

#: Used when the model that was asked for is not to be had.
FALLBACK_MODEL = "gpt-4o-mini"
#: Seconds that an app waits after a 429, at most, whatever the provider says.
LONGEST_WAIT = 2.0


def make_client(service: str, base_url: str, timeout: float) -> openai.OpenAI:
    """The client of ``service``: no retries of its own (see :func:`with_retry`) and no proxy, the provider is local."""
    return openai.OpenAI(
        base_url=base_url,
        api_key=f"sk-demo-{service}",
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )


def error_kind(error: openai.OpenAIError) -> str:
    """The kind of ``error``, by the provider's code where it gives one and by HTTP status where it does not."""
    match error:
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


def wait_seconds(error: openai.RateLimitError) -> float:
    """How long the provider asks to wait (``retry-after-ms``, ``retry-after``); half a second if it says nothing."""
    headers = error.response.headers
    if milliseconds := headers.get("retry-after-ms"):
        return min(LONGEST_WAIT, float(milliseconds) / 1000)
    return min(LONGEST_WAIT, float(headers.get("retry-after", 0.5)))


def with_retry(
    logger: logging.Logger, model: str, call: Callable[[str], T], *, fallback: str | None = FALLBACK_MODEL
) -> T:
    """``call(model)``; after a 429 once more, after a 404 once with the ``fallback`` model if there is one.

    The client itself retries nothing (``max_retries=0``), so each attempt is a span of its own and a request of its
    own at the provider. Raises the ``openai.APIError`` of the last attempt.
    """
    try:
        return call(model)
    except openai.RateLimitError as error:
        wait = wait_seconds(error)
        logger.warning("rate limited; trying again in %.2f s", wait, extra={"gen_ai.request.model": model})
        time.sleep(wait)
        return call(model)
    except openai.NotFoundError:
        if fallback is None or model == fallback:
            raise
        logger.warning("%s is not available; using %s", model, fallback, extra={"gen_ai.request.model": model})
        return call(fallback)
