"""The sub-agent: finds notes, puts them into order and says what they say."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import openai
from opentelemetry import trace
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.types import RetrievalDocument

from demo.index import Document, Hit, Index
from demo.provider_calls import CallError, error_kind, with_retry
from demo.rag_assistant.documents import DOCUMENTS as MANUAL
from demo.research_agent.providers import RERANKER, Anthropic, Cohere
from demo.tally import Tally

logger = logging.getLogger("demo.research_agent")

AGENT = "librarian"
DATA_SOURCE = "research-notes"
EMBEDDING_MODEL = "text-embedding-3-small"
DIMENSIONS = 256
SUMMARISER, SPARE_SUMMARISER = "claude-sonnet-4-5", "claude-3-5-haiku-latest"
FOUND, KEPT = 5, 3
#: Tries to embed the notes at the start, before the app gives up.
PREPARE_TRIES = 20


def system_prompt(case: str) -> str:
    """The instructions for one case: the same for all its questions, and long enough to be worth the cache."""
    manual = "\n\n".join(f"{page.title}\n{page.text}" for page in MANUAL)
    return (
        f"You are the librarian of a research team, at work on {case}. Say in at most three sentences what the notes "
        f"say to the question, and nothing that is not in them.\n\nThe manual of our product:\n\n{manual}"
    )


class Librarian:
    """Answers from notes. Prepare it once, then ask from any number of threads."""

    def __init__(
        self,
        client: openai.OpenAI,
        anthropic: Anthropic,
        cohere: Cohere,
        genai: TelemetryHandler,
        tally: Tally,
        notes: Sequence[Document],
    ) -> None:
        self._client = client
        self._anthropic = anthropic
        self._cohere = cohere
        self._genai = genai
        self._tally = tally
        self._notes = notes
        self._index: Index | None = None

    def prepare(self) -> None:
        """Embed the notes; raises ``openai.APIError`` if the provider refuses :data:`PREPARE_TRIES` times."""
        for attempt in range(1, PREPARE_TRIES + 1):
            try:
                vectors = self._embed([f"{note.title}. {note.text}" for note in self._notes])
            except openai.APIError as error:
                if attempt == PREPARE_TRIES:
                    raise
                logger.warning("cannot embed the notes yet: %s", error_kind(error))
                time.sleep(0.2)
            else:
                self._index = Index(self._notes, vectors)
                return

    def ask(self, question: str, case: str) -> str:
        """What the notes say; raises ``openai.APIError`` or CallError."""
        with (
            self._tally.outcome("agent", AGENT),
            self._genai.invoke_local_agent(agent_name=AGENT, request_model=SUMMARISER),
        ):
            hits = self._in_order(question, self._retrieve(question))
            pages = "\n".join(f"[{hit.document.id}] {hit.document.text}" for hit in hits)
            return with_retry(
                logger,
                SUMMARISER,
                lambda model: self._anthropic.summarise(model, system_prompt(case), question, pages),
                fallback=SPARE_SUMMARISER,
            )

    def _retrieve(self, question: str) -> list[Hit]:
        if self._index is None:
            raise RuntimeError("prepare() comes first")
        with (
            self._tally.outcome("retrieval", DATA_SOURCE),
            self._genai.retrieval(data_source_id=DATA_SOURCE, request_model=EMBEDDING_MODEL) as retrieval,
        ):
            retrieval.top_k = FOUND
            retrieval.query_text = question
            hits = self._index.search(self._embed([question])[0], FOUND)
            retrieval.documents = [RetrievalDocument(id=hit.document.id, score=round(hit.score, 4)) for hit in hits]
        return hits

    def _in_order(self, question: str, hits: list[Hit]) -> list[Hit]:
        """The best of ``hits``; in their own order if the reranker fails."""
        try:
            return self._cohere.rerank(question, hits, KEPT)
        except CallError as error:
            trace.get_current_span().add_event("not reranked", {"error.type": error.type})
            logger.warning("not reranked: %s", error.kind, extra={"gen_ai.request.model": RERANKER})
            return hits[:KEPT]

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        def call(model: str) -> list[list[float]]:
            reply = self._client.embeddings.create(model=model, input=list(texts), dimensions=DIMENSIONS)
            return [row.embedding for row in reply.data]

        return with_retry(logger, EMBEDDING_MODEL, call, fallback=None)
