# mypy: ignore-errors
"""The groq SDK under openinference-instrumentation-groq."""

import groq_common
from harness import tracing

PACKAGE = "openinference-instrumentation-groq"
REQUIRES = ["openinference-instrumentation-groq", "groq"]

if __name__ == "__main__":
    from openinference.instrumentation.groq import GroqInstrumentor

    tracing()
    groq_common.main(GroqInstrumentor())
