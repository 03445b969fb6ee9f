# mypy: ignore-errors
"""The same LlamaIndex program under OpenLLMetry's instrumentor."""

import oi_llama_index
from harness import tracing

PACKAGE = "opentelemetry-instrumentation-llamaindex"
REQUIRES = [
    "opentelemetry-instrumentation-llamaindex",
    "llama-index-core",
    "llama-index-llms-openai",
    "llama-index-embeddings-openai",
]

if __name__ == "__main__":
    from opentelemetry.instrumentation.llamaindex import LlamaIndexInstrumentor

    tracing()
    oi_llama_index.main(LlamaIndexInstrumentor())
