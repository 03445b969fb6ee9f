"""Errors as libraries write them fall into the closed vocabulary."""

from __future__ import annotations

from typing import get_args

import pytest

from observability.catalogue import ERROR_TYPES
from observability.errors import ErrorType, classify


def test_the_vocabulary_is_the_catalogues() -> None:
    assert set(get_args(ErrorType)) == set(ERROR_TYPES)


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        ("RateLimitError", "rate_limit_exceeded"),
        ("openai.RateLimitError", "rate_limit_exceeded"),
        ("rate_limit_error", "rate_limit_exceeded"),
        ("429", "rate_limit_exceeded"),
        ("429.0", "rate_limit_exceeded"),
        ("ThrottlingException", "rate_limit_exceeded"),
        ("google.api_core.exceptions.ResourceExhausted", "rate_limit_exceeded"),
        ("BadRequestError", "invalid_request"),
        ("invalid_request_error", "invalid_request"),
        ("422", "invalid_request"),
        ("400", "invalid_request"),
        ("APITimeoutError", "timeout"),
        ("asyncio.exceptions.TimeoutError", "timeout"),
        ("httpx.ReadTimeout", "timeout"),
        ("504", "timeout"),
        ("408", "timeout"),
        ("DEADLINE_EXCEEDED", "timeout"),
        ("litellm.ContentPolicyViolationError", "content_filter"),
        ("content_filter", "content_filter"),
        ("openai.NotFoundError", "model_not_found"),
        ("404", "model_not_found"),
        ("AuthenticationError", "authentication"),
        ("PermissionDeniedError", "authentication"),
        ("401", "authentication"),
        ("InternalServerError", "server_error"),
        ("overloaded_error", "server_error"),
        ("openai.APIConnectionError", "server_error"),
        ("529", "server_error"),
        ("503", "server_error"),
        ("KeyError", "other"),
        ("_OTHER", "other"),
    ],
)
def test_an_error_class_or_code_has_its_type(kind: str, error_type: str) -> None:
    assert classify([kind], []) == error_type


@pytest.mark.parametrize(
    ("message", "error_type"),
    [
        ("Error code: 429 - Rate limit reached for model", "rate_limit_exceeded"),
        ("Error code: 400 - {'error': {'message': 'context length exceeded'}}", "invalid_request"),
        ("Error code: 400 - {'error': {'code': 'content_filter'}}", "content_filter"),
        ("Error code: 404 - The model `gpt-9` does not exist", "model_not_found"),
        ("Request timed out.", "timeout"),
        ("HTTP 503 from upstream", "server_error"),
        ("something odd", "other"),
        ("", "other"),
    ],
)
def test_the_status_text_alone_is_enough(message: str, error_type: str) -> None:
    assert classify([None], [message]) == error_type


def test_a_filtered_prompt_is_no_invalid_request_though_it_is_a_400() -> None:
    message = "Error code: 400 - The response was filtered due to Azure OpenAI's content management policy"
    assert classify(["openai.BadRequestError", "400"], [message]) == "content_filter"


def test_the_class_of_an_error_weighs_more_than_words_in_its_message() -> None:
    assert classify(["APITimeoutError"], ["gave up after 5 rate limit retries"]) == "timeout"


def test_a_very_long_message_is_looked_at_in_its_first_part_only() -> None:
    assert classify([], ["x" * 1_000_000 + "timeout"]) == "other"
