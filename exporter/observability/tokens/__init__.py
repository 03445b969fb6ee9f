"""Token counts and estimates for any model, without a network call and without the server's dependencies."""

from observability.tokens.counter import Method, TokenCounter, estimate_usage
from observability.tokens.images import DEFAULT_SIZE, Image, image_tokens
from observability.tokens.models import Model, model_named

__all__ = [
    "DEFAULT_SIZE",
    "Image",
    "Method",
    "Model",
    "TokenCounter",
    "estimate_usage",
    "image_tokens",
    "model_named",
]
