"""Retrieval-augmented answers: embed the question, search the pages, let the model answer from what was found."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence

import openai
from openai.types.chat import ChatCompletionMessageParam
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.types import RetrievalDocument

from demo.index import Document, Hit, Index
from demo.load import Outcome
from demo.provider_calls import error_kind, with_retry
from demo.rag_assistant.documents import DOCUMENTS, QUESTIONS
from demo.tally import Tally

logger = logging.getLogger("demo.rag_assistant")

EMBEDDING_MODEL = "text-embedding-3-small"
DIMENSIONS = 256
TOP_K = 3
DATA_SOURCE = "help-centre"
#: Tries to embed the pages at the start, before the app gives up.
PREPARE_TRIES = 20


def system_prompt(documents: Sequence[Document]) -> str:
    """The instructions, with one worked example for each page: long and always the same, so the provider caches it."""
    examples = "\n\n".join(
        f"Customer: I have a question about this: {page.title.lower()}.\n"
        f"Assistant: {' '.join(page.text.split('. ')[:3])}. [{page.id}]"
        for page in documents
    )
    return (
        "You are the assistant of a help centre for smart thermostats. Answer in at most three sentences, from the "
        "pages that you are given and from nothing else. Name the page that you used in square brackets. If the pages "
        "do not answer the question, say so and offer to open a ticket. Never ask for card numbers or passwords. "
        f"Use plain words and whole sentences.\n\nExamples of good answers:\n\n{examples}"
    )


class RagAssistant:
    """The app. Prepare it once, then ask it questions from any number of threads."""

    def __init__(self, client: openai.OpenAI, documents: Sequence[Document] = DOCUMENTS) -> None:
        self.tally = Tally()
        self._client = client
        self._documents = documents
        self._system = system_prompt(documents)
        self._index: Index | None = None
        self._tracer = trace.get_tracer("demo.rag_assistant")
        self._genai = TelemetryHandler(instrumentation_scope_name="demo.rag_assistant")

    def prepare(self) -> None:
        """Embed all pages; raises ``openai.APIError`` if the provider refuses :data:`PREPARE_TRIES` times."""
        with self._tracer.start_as_current_span("index pages"):
            for attempt in range(1, PREPARE_TRIES + 1):
                try:
                    vectors = self._embed([f"{page.title}. {page.text}" for page in self._documents])
                    break
                except openai.APIError as error:
                    if attempt == PREPARE_TRIES:
                        raise
                    logger.warning("cannot embed the pages yet: %s", error_kind(error))
                    time.sleep(0.2)
            self._index = Index(self._documents, vectors)
            logger.info("indexed %d pages", len(self._documents), extra={"event": "indexed"})

    def interact(self, number: int, draw: random.Random) -> Outcome:
        """One customer's question; errors of the provider end in an apology, never in an exception."""
        question, _ = draw.choice(QUESTIONS)
        model = "gpt-4o" if draw.random() < 0.35 else "gpt-4o-mini"
        streamed = draw.random() < 0.5
        attributes = {"session.id": f"rag-{number // 3}", "user.id": f"customer-{draw.randrange(40)}"}
        with self._tracer.start_as_current_span("answer question", kind=SpanKind.SERVER, attributes=attributes) as span:
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            error: str | None = None
            logger.info("question: %s", question, extra={"event": "question"})
            try:
                hits = self.retrieve(question)
                answer, finish_reason = self.answer(question, hits, model, streamed=streamed)
            except openai.APIError as failure:
                error = error_kind(failure)
                span.set_status(Status(StatusCode.ERROR, error))
                logger.error("no answer: %s", error, extra={"event": "failed", "error.type": error})
            else:
                logger.info(
                    "answered from %s: %s",
                    ", ".join(hit.document.id for hit in hits),
                    answer,
                    extra={"event": "answered", "gen_ai.request.model": model, "finish_reason": finish_reason},
                )
        return Outcome(trace_id, error, (EMBEDDING_MODEL, model), streamed)

    def retrieve(self, question: str, k: int = TOP_K) -> list[Hit]:
        """The ``k`` best pages for ``question``; raises RuntimeError before :meth:`prepare`."""
        if self._index is None:
            raise RuntimeError("prepare() comes first")
        with (
            self.tally.outcome("retrieval", DATA_SOURCE),
            self._genai.retrieval(data_source_id=DATA_SOURCE, request_model=EMBEDDING_MODEL) as retrieval,
        ):
            retrieval.top_k = k
            retrieval.query_text = question
            hits = self._index.search(self._embed([question])[0], k)
            retrieval.documents = [RetrievalDocument(id=hit.document.id, score=round(hit.score, 4)) for hit in hits]
        return hits

    def answer(self, question: str, hits: Sequence[Hit], model: str, *, streamed: bool) -> tuple[str, str]:
        """The model's answer from ``hits`` and its finish reason; raises ``openai.APIError``."""
        pages = "\n".join(f"[{hit.document.id}] {hit.document.text}" for hit in hits)
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": f"Pages:\n{pages}\n\nQuestion: {question}"},
        ]
        call = self._stream if streamed else self._complete
        return with_retry(logger, model, lambda name: call(name, messages))

    def _complete(self, model: str, messages: list[ChatCompletionMessageParam]) -> tuple[str, str]:
        reply = self._client.chat.completions.create(
            model=model, messages=messages, temperature=0.2, max_completion_tokens=300
        )
        return reply.choices[0].message.content or "", reply.choices[0].finish_reason

    def _stream(self, model: str, messages: list[ChatCompletionMessageParam]) -> tuple[str, str]:
        text: list[str] = []
        finish_reason = ""
        with self._client.chat.completions.create(
            model=model,
            messages=messages,
            temperature=0.2,
            max_completion_tokens=300,
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks:
            for chunk in chunks:
                for choice in chunk.choices:
                    text.append(choice.delta.content or "")
                    finish_reason = choice.finish_reason or finish_reason
        return "".join(text), finish_reason

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        def call(model: str) -> list[list[float]]:
            reply = self._client.embeddings.create(model=model, input=list(texts), dimensions=DIMENSIONS)
            return [row.embedding for row in reply.data]

        return with_retry(logger, EMBEDDING_MODEL, call, fallback=None)
