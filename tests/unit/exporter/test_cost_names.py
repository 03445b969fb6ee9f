"""Which entry of the price list a name on the wire means."""

from __future__ import annotations

import pytest
from genai_prices.data_snapshot import get_snapshot

from observability.cost.names import Directory, _parts, bare, is_fine_tuned

DIRECTORY = Directory(get_snapshot().providers)


@pytest.mark.parametrize(
    ("provider", "name", "host", "model"),
    [
        ("openai", "gpt-4o-2024-08-06", "openai", "gpt-4o"),
        ("openai", "openai/o3-mini", "openai", "o3-mini"),
        ("litellm", "openai/o3-mini", "openai", "o3-mini"),
        ("unknown", "openai:gpt-4o", "openai", "gpt-4o"),
        ("unknown", "GPT-4o", "openai", "gpt-4o"),
        ("langchain", "gpt-4o", "openai", "gpt-4o"),
        ("azure.ai.openai", "gpt-4o", "azure", "gpt-4o"),
        ("azure.ai.openai", "gpt-35-turbo", "azure", "gpt-3.5-turbo"),
        ("litellm", "azure/eu/gpt-4o", "azure", "gpt-4o"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws",
         "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws",
         "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("litellm", "bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0", "aws",
         "regional.anthropic.claude-3-7-sonnet-20250219-v1:0"),
        ("litellm", "bedrock/converse/us.anthropic.claude-3-7-sonnet-20250219-v1:0", "aws",
         "regional.anthropic.claude-3-7-sonnet-20250219-v1:0"),
        ("aws.bedrock",
         "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0", "aws",
         "regional.anthropic.claude-3-7-sonnet-20250219-v1:0"),
        ("gcp.vertex_ai", "claude-3-7-sonnet@20250219", "google", "claude-3-7-sonnet"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "projects/p/locations/us/publishers/anthropic/models/claude-sonnet-4-5@20250929", "google",
         "claude-sonnet-4-5"),
        ("litellm", "vertex_ai/claude-3-7-sonnet@20250219", "google", "claude-3-7-sonnet"),
        ("gcp.gemini", "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("litellm", "openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("groq", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        ("openai", "claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),  # OpenAI's client, pointed at a gateway
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "openai", "ft:gpt-4o-mini"),
        ("mistral_ai", "mistral-large-latest", "mistral", "mistral-large"),
        ("MistralAI", "mistral-small-latest", "mistral", "mistral-small-latest"),
        ("x_ai", "grok-4", "x-ai", "grok-4-0709"),
    ],
)  # fmt: skip
def test_a_name_means_an_entry_of_the_list(provider: str, name: str, host: str, model: str) -> None:
    found = DIRECTORY.find(provider, name)
    assert found is not None
    assert (found[0].id, found[1].id) == (host, model)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "acme-9000"),
        ("openai", "gpt-4o-canary-x7"),
        ("openai", "llama-3.3-70b"),  # open weights behind OpenAI's client: served by anybody, at any price
        ("openai", "deepseek-chat"),
        ("azure.ai.openai", "prod-gpt-4o"),  # a deployment: its name promises nothing
        ("ollama", "deepseek-r1"),
        ("vllm", "mistral-7b"),
        ("litellm", "ollama/mistral"),
        ("ibm.watsonx.ai", "mistral-large"),
        ("groq", "openai/gpt-5"),  # a name of a reseller, not a route
        ("openai", "ft:gpt-4.1-2025-04-14:org::id"),
        ("litellm", "openai/ft:gpt-4.1-2025-04-14:org::id"),
        ("azure.ai.openai", "gpt-4o-2024-08-06.ft-0c1d"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:custom-model/anthropic.claude-3-haiku-20240307-v1:0/abc"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
        ("gcp.vertex_ai", "projects/p/locations/us/endpoints/123"),
        ("gcp.gemini", "tunedModels/gemini-2.0-flash-abc"),
        ("openai", ""),
        ("openai", "/"),
        ("unknown", "@20250219"),
    ],
)
def test_a_name_that_could_be_anything_means_nothing(provider: str, name: str) -> None:
    assert DIRECTORY.find(provider, name) is None


def test_bare_names_stand_without_route_path_and_arn() -> None:
    assert bare("openai/o3-mini") == ("openai/o3-mini", "o3-mini")
    assert bare("azure/eu/GPT-4o") == ("azure/eu/gpt-4o", "eu/gpt-4o", "gpt-4o")
    assert bare("models/gemini-2.5-pro") == ("models/gemini-2.5-pro", "gemini-2.5-pro")
    assert bare("gpt-4o") == ("gpt-4o",)
    assert bare(" / ") == ("/",)


@pytest.mark.parametrize(
    ("name", "tuned"),
    [
        ("ft:gpt-4o-mini-2024-07-18:org::id", True),
        ("openai/ft:gpt-4o", True),
        ("gpt-4o-2024-08-06.ft-0c1d", True),
        ("curie:ft-acme-2023", True),
        ("gpt-4o", False),
        ("microsoft/phi-3.5-mini", False),
        ("soft-launch", False),
        ("draft-1", False),
    ],
)
def test_fine_tuned_models_are_known_by_their_names(name: str, tuned: bool) -> None:
    assert is_fine_tuned(name) is tuned


def test_the_sieve_keeps_back_no_name_that_the_list_knows() -> None:
    """Every name that stands in the list finds the same entry as without the sieve."""
    providers = get_snapshot().providers
    checked = 0
    for provider in providers:
        if provider.id == "openrouter":
            continue  # nine hundred more of the same
        for model in provider.models:
            for part in _parts(model.match):
                for name in vars(part).values():
                    if not isinstance(name, str):
                        continue
                    expected = provider.find_model(name.lower(), all_providers=providers)
                    if expected is not None:
                        assert DIRECTORY._may_know[provider.id](name.lower()), (provider.id, name)
                        checked += 1
    assert checked > 1500
    compact = next(each for each in providers if each.id == "openai")
    assert compact.find_model("gpt-5-20250807") is not None
    assert DIRECTORY.find("openai", "gpt-5-20250807") is not None
