# mypy: ignore-errors
"""The openai SDK under logfire, sending to any OTLP endpoint."""

import openai_common
from harness import flush_with

PACKAGE = "logfire"
REQUIRES = ["logfire", "openai"]

if __name__ == "__main__":
    import logfire
    import openai

    logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)
    logfire.instrument_openai()
    flush_with(logfire.force_flush)
    openai_common.main(openai)
