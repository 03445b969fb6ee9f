"""Embeddings and reranking of OpenAI (and Mistral), Google and Cohere."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

import base64
import struct
from abc import abstractmethod
from typing import Any

from demo.simulator.apis.base import Api, Wire, identifier
from demo.simulator.apis.chat_completions import ChatCompletions
from demo.simulator.apis.cohere import CohereChat
from demo.simulator.apis.google import GenerateContent
from demo.simulator.errors import invalid
from demo.simulator.ledger import Usage
from demo.simulator.models import Model
from demo.simulator.text import embed, overlap, pieces, stems


class Numbers(Api):
    """An endpoint that answers with numbers at once: ``texts`` are what it reads, ``reply`` is what it says."""

    #: Kind of model that it needs.
    kind = "embedding"
    #: False where the answer carries no token counts.
    tells_usage = True

    @abstractmethod
    def texts(self, body: dict[str, Any]) -> list[str]:
        """What is read; raises ProviderError (400) for a malformed request."""

    @abstractmethod
    def reply(self, body: dict[str, Any], model: Model, texts: list[str], usage: Usage) -> dict[str, Any]:
        """The JSON body of the answer."""

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        raise invalid("This endpoint does not chat.")

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        raise invalid("This endpoint does not chat.")


def usage_of(texts: list[str]) -> Usage:
    """All tokens of ``texts`` as input."""
    return Usage(prompt=sum(len(pieces(text)) for text in texts))


class Embeddings(Numbers):
    """OpenAI's ``POST /v1/embeddings``."""

    operation = "embeddings"

    def __init__(self, provider: str = "openai") -> None:
        self.provider = provider

    def headers(self) -> dict[str, str]:
        return ChatCompletions(self.provider).headers()

    def texts(self, body: dict[str, Any]) -> list[str]:
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts:
            raise invalid("'input' must be a string or a non-empty array of strings.", "input")
        if not all(isinstance(text, str) and text for text in texts):
            raise invalid("'$.input' is invalid: every item must be a non-empty string.", "input")
        dimensions = body.get("dimensions") or 1536
        if not isinstance(dimensions, int) or not 1 <= dimensions <= 1536:
            raise invalid("Invalid value for 'dimensions': expected an integer from 1 to 1536.", "dimensions")
        return texts

    def reply(self, body: dict[str, Any], model: Model, texts: list[str], usage: Usage) -> dict[str, Any]:
        packed = body.get("encoding_format") == "base64"
        vectors = (embed(text, body.get("dimensions") or 1536) for text in texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ]
        counted = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        return {
            "id": identifier("emb-"),
            "object": "list",
            "data": data,
            "model": model.snapshot,
            "usage": counted,
        }


class EmbedContents(GenerateContent, Numbers):
    """Google's ``:batchEmbedContents``, whose answer carries no token counts."""

    operation = "embeddings"
    tells_usage = False

    def texts(self, body: dict[str, Any]) -> list[str]:
        contents = [each.get("content", {}) for each in body.get("requests") or ()]
        texts = [str(part.get("text", "")) for content in contents for part in content.get("parts") or ()]
        if not texts or not all(texts):
            raise invalid("EmbedContentRequest.content contains an empty Part.")
        return texts

    def reply(self, body: dict[str, Any], model: Model, texts: list[str], usage: Usage) -> dict[str, Any]:
        return {"embeddings": [{"values": embed(text, 64)} for text in texts]}


class CohereEmbed(CohereChat, Numbers):
    """Cohere's ``POST /v2/embed``."""

    operation = "embeddings"

    def texts(self, body: dict[str, Any]) -> list[str]:
        texts = body.get("texts")
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise invalid("invalid request: texts must be a non-empty list of strings")
        return texts

    def reply(self, body: dict[str, Any], model: Model, texts: list[str], usage: Usage) -> dict[str, Any]:
        vectors = [embed(text, 64) for text in texts]
        billed = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": usage.prompt}}
        return {"id": identifier(""), "embeddings": {"float": vectors}, "texts": texts, "meta": billed}


class CohereRerank(CohereChat, Numbers):
    """Cohere's ``POST /v2/rerank``, billed by the search and not by the token."""

    operation = "rerank"
    kind = "rerank"
    tells_usage = False

    def texts(self, body: dict[str, Any]) -> list[str]:
        texts = body.get("documents")
        if not isinstance(texts, list) or not texts or not isinstance(body.get("query"), str):
            raise invalid("invalid request: query and a non-empty list of documents are required")
        return [text if isinstance(text, str) else str(text.get("text", "")) for text in texts]

    def reply(self, body: dict[str, Any], model: Model, texts: list[str], usage: Usage) -> dict[str, Any]:
        asked = stems(body["query"])
        scored = [(overlap(asked, stems(text)), index) for index, text in enumerate(texts)]
        best = sorted(scored, key=lambda each: (-each[0], each[1]))[: body.get("top_n") or len(texts)]
        results = [{"index": index, "relevance_score": round(score, 6)} for score, index in best]
        billed = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
        return {"id": identifier(""), "results": results, "meta": billed}


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
