"""The provider's errors, with the status codes, bodies and headers that OpenAI documents for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can go wrong with a call; the ledger counts by these names."""

    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    TIMEOUT = "timeout"
    CONTENT_FILTER = "content_filter"
    MODEL_NOT_FOUND = "model_not_found"
    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    SERVER_ERROR = "server_error"


@dataclass(eq=False)
class ProviderError(Exception):
    """An error answer: HTTP ``status``, the members of OpenAI's ``error`` object, and extra ``headers``."""

    kind: Kind
    status: int
    message: str
    type: str | None = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        return {
            "error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code, **self.extra}
        }


def invalid(message: str, param: str | None = None, code: str | None = None) -> ProviderError:
    """400: a request that the API refuses as it is."""
    return ProviderError(Kind.INVALID_REQUEST, 400, message, param=param, code=code)


def model_not_found(model: str) -> ProviderError:
    """404: no such model, or none that this project may use (OpenAI says the same of both)."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ProviderError(Kind.MODEL_NOT_FOUND, 404, message, code="model_not_found")


def bad_key(key: str) -> ProviderError:
    """401: unknown API key; only its end is repeated."""
    message = f"Incorrect API key provided: {'*' * 8}{key[-4:]}."
    return ProviderError(Kind.AUTHENTICATION, 401, message, code="invalid_api_key")


def injected(kind: Kind, model: str) -> ProviderError:
    """The answer for a fault of ``kind``.

    Raises ValueError for a time-out: that one is the absence of an answer.
    """
    match kind:
        case Kind.RATE_LIMIT_EXCEEDED:
            message = (
                f"Rate limit reached for {model} in organization org-demo on requests per min (RPM): "
                "Limit 500, Used 500, Requested 1. Please try again in 120ms."
            )
            headers = {
                "retry-after": "1",
                "retry-after-ms": "120",
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "120ms",
            }
            return ProviderError(kind, 429, message, type="requests", code="rate_limit_exceeded", headers=headers)
        case Kind.CONTENT_FILTER:
            message = "The response was filtered due to the prompt triggering the content management policy."
            filtered = {"violence": {"filtered": True, "severity": "medium"}}
            inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": filtered}
            return ProviderError(
                kind, 400, message, type=None, param="prompt", code="content_filter", extra={"innererror": inner}
            )
        case Kind.MODEL_NOT_FOUND:
            return model_not_found(model)
        case Kind.INVALID_REQUEST:
            message = "This model's maximum context length was exceeded. Please reduce the length of the messages."
            return invalid(message, param="messages", code="context_length_exceeded")
        case Kind.AUTHENTICATION:
            return bad_key("demo")
        case Kind.SERVER_ERROR:
            message = "The server had an error while processing your request. Sorry about that!"
            return ProviderError(kind, 500, message, type="server_error")
        case Kind.TIMEOUT:
            raise ValueError("a time-out has no answer")
