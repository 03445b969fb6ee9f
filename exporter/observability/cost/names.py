"""Where the price list may know a model: the names that providers, gateways and instrumentations give it.

A name that could be another model's is not looked up: no price, which is counted and alerted, is better than the
price of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    Provider,
)  # fmt: skip

from observability.records import UNKNOWN

#: ``gen_ai.provider.name`` or route prefix → provider id of the price list, where they differ.
PROVIDER_IDS = {
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
#: Who serves models of others at prices that the list does not know, or on the user's own machines: the same weights
#: cost something else there, so the model's name alone is no price.
OWN_PRICES = frozenset({
    "aphrodite", "aws.sagemaker", "docker_model_runner", "gpt4all", "hosted_vllm", "huggingface", "ibm.watsonx.ai",
    "jan", "koboldcpp", "llama.cpp", "llama_cpp", "llamacpp", "llamafile", "lm_studio", "lmstudio", "local", "localai",
    "mlx", "nvidia", "nvidia_nim", "ollama", "ollama_chat", "oobabooga", "replicate", "sagemaker", "sglang", "tgi",
    "triton", "vllm", "watsonx", "xinference",
})  # fmt: skip
#: Makers whose models are sold under these names by themselves alone; found by the name even where the client of
#: OpenAI was pointed at a gateway.
_MAKERS = ("anthropic", "google", "x-ai")

_COMPACT_DATE = re.compile(r"-20\d{6}")
_FINE_TUNED = re.compile(r"(?:^|[/:])ft:|[.:]ft-")
_PUBLISHED = re.compile(r"(?:^|.*/)publishers/[^/]+/models/([^/]+)$")
_BEDROCK_ARN = re.compile(r"(?:.*/)?arn:aws[^:/]*:bedrock:[^/]*:(foundation-model|inference-profile)/([^/]+)$")


def is_fine_tuned(name: str) -> bool:
    """Whether ``name`` is a fine-tuned model, which never has its base model's price.

    ``ft:gpt-4o-mini-2024-07-18:org::id`` (OpenAI), ``gpt-4o-2024-08-06.ft-0c1d`` (Azure), ``curie:ft-org-2023``.
    """
    return _FINE_TUNED.search(name.lower()) is not None


def bare(name: str) -> tuple[str, ...]:
    """``name`` in lower case, as it is and without what stands before the model: routes, paths, ARNs.

    ``bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0`` is also ``us.anthropic.claude-3-7-sonnet-20250219-v1:0``.
    """
    whole = name.strip().lower()
    forms = [whole]
    inner = _inner(whole)
    if inner is not None:
        forms.append(inner)
    while "/" in forms[-1]:
        forms.append(forms[-1].partition("/")[2])
    return tuple(dict.fromkeys(form for form in forms if form))


def _inner(name: str) -> str | None:
    """The model in a path of Vertex AI, the Gemini API or an ARN of Bedrock; ``None`` for any other name."""
    published = _PUBLISHED.match(name)
    if published:
        return published[1]
    arn = _BEDROCK_ARN.match(name)
    if arn:
        return arn[2]
    return name.removeprefix("models/") if name.startswith("models/") else None


class Directory:
    """The providers of a price list, to be searched for a model."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = list(providers)
        self._may_know = {each.id: _Sieve(each, self._providers).lets_through for each in providers}
        #: Those whose own names of models have a slash: there ``openai/gpt-oss-120b`` is a name and no route.
        self._slashed = {each.id for each in providers if any("/" in model.id for model in each.models)}

    def find(self, provider: str, name: str) -> tuple[Provider, ModelInfo] | None:
        """The provider that bills for the model called ``name`` at ``provider``, and the model.

        The model may belong to another provider whose prices the first one takes over (Azure OpenAI: OpenAI).
        """
        name = name.strip().lower()
        provider = provider.strip().lower()
        if not name or provider in OWN_PRICES or _unnamed_resource(name):
            return None
        host = self._listed(provider)
        for where, form in self._places(host, name):
            found = self._at(where, form)
            if found is not None:
                return where, found
        return None

    def _at(self, where: Provider, name: str) -> ModelInfo | None:
        for form in _versions(name):
            if not self._may_know[where.id](form):
                continue
            found = where.find_model(form, all_providers=self._providers)
            if found is not None and (not is_fine_tuned(form) or _names_fine_tune(found.match, form)):
                return found
        return None

    def _places(self, host: Provider | None, name: str) -> Iterator[tuple[Provider, str]]:
        inner = _inner(name)
        if host is not None:
            yield host, name
            if inner is not None:
                yield host, inner
        yield from self._routed(host, name)
        if host is None or host.id == "openai":
            for form in (name,) if inner is None else (inner,):
                yield from self._makers(host, form)

    def _routed(self, host: Provider | None, name: str) -> Iterator[tuple[Provider, str]]:
        """By a route in the name: ``openai/o3-mini``, ``azure/eu/gpt-4o``, ``openai:gpt-4o``."""
        if host is not None and host.id in self._slashed:
            return
        prefix, slash, rest = name.partition("/")
        if not slash:
            prefix, slash, rest = name.partition(":")
        if not slash or prefix in OWN_PRICES:
            return
        routed = self._listed(prefix, exactly=True)
        if routed is None:
            return
        yield routed, rest
        if routed.id not in self._slashed and "/" in rest:
            yield routed, rest.rpartition("/")[2]

    def _makers(self, host: Provider | None, name: str) -> Iterator[tuple[Provider, str]]:
        if name.partition("/")[0] in OWN_PRICES:
            return
        for maker in self._providers:
            if host is not None and maker.id not in _MAKERS:
                continue
            if maker.model_match is not None and maker.model_match.is_match(name):
                yield maker, name

    def _listed(self, provider: str, exactly: bool = False) -> Provider | None:
        if not provider or provider == UNKNOWN:
            return None
        known = PROVIDER_IDS.get(provider)
        if known is None and exactly and all(provider != each.id for each in self._providers):
            return None
        return find_provider_by_id(self._providers, known or provider)


class _Sieve:
    """Tells quickly of most names that a provider does not know them: names come from the wire, in any number.

    A name that it lets through matches some part of the clauses of some model; what the list says of it is then asked.
    """

    def __init__(self, provider: Provider, providers: Sequence[Provider]) -> None:
        others = set(provider.fallback_model_providers or ())
        models = [model for each in providers if each is provider or each.id in others for model in each.models]
        parts = [part for model in models for part in _parts(model.match)]
        self._equals = {part.equals.lower() for part in parts if isinstance(part, ClauseEquals)}
        self._starts = tuple({part.starts_with.lower() for part in parts if isinstance(part, ClauseStartsWith)})
        self._ends = tuple({part.ends_with.lower() for part in parts if isinstance(part, ClauseEndsWith)})
        self._contained = tuple({part.contains.lower() for part in parts if isinstance(part, ClauseContains)})
        self._patterns = [re.compile(each) for each in {part.regex for part in parts if isinstance(part, ClauseRegex)}]

    def lets_through(self, name: str) -> bool:
        return (
            name in self._equals
            or name.startswith(self._starts)
            or name.endswith(self._ends)
            or _COMPACT_DATE.search(name) is not None  # the list tries another spelling of these
            or any(text in name for text in self._contained)
            or any(pattern.search(name) for pattern in self._patterns)
        )


def _parts(match: MatchLogic) -> Iterator[MatchLogic]:
    """The clauses that ``match`` is made of; where none of them matches, it does not."""
    if isinstance(match, ClauseOr | ClauseAnd):
        for each in match.or_ if isinstance(match, ClauseOr) else match.and_:
            yield from _parts(each)
    else:
        yield match


def _unnamed_resource(name: str) -> bool:
    """A resource of Bedrock or Vertex AI that says nothing of its model (custom models, endpoints, throughput)."""
    if "arn:aws" in name:
        return _BEDROCK_ARN.match(name) is None
    return name.startswith(("projects/", "tunedmodels/")) and _PUBLISHED.match(name) is None


def _versions(name: str) -> Iterator[str]:
    """``name``, and as it is without the version that Vertex AI puts behind an @."""
    yield name
    model, at, version = name.partition("@")
    if at and model:
        if version.isdecimal():
            yield f"{model}-{version}"
        yield model


def _names_fine_tune(match: MatchLogic, name: str) -> bool:
    """Whether the clause that matches ``name`` speaks of fine-tuned models."""
    if isinstance(match, ClauseOr):
        return any(_names_fine_tune(each, name) for each in match.or_)
    if isinstance(match, ClauseAnd):
        return match.is_match(name) and any(_names_fine_tune(each, name) for each in match.and_)
    return match.is_match(name) and any(is_fine_tuned(str(value)) for value in vars(match).values())
