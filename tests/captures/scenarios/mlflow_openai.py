# mypy: ignore-errors
"""The openai SDK under mlflow.openai.autolog, its traces exported by OTLP."""

import openai_common
from harness import SINK, flush_with

PACKAGE = "mlflow"
REQUIRES = ["mlflow", "openai"]

if __name__ == "__main__":
    import os

    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{SINK}/v1/traces"
    os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
    import mlflow
    import openai

    mlflow.openai.autolog()
    from mlflow.tracing import provider

    flush_with(lambda: mlflow.flush_trace_async_logging() if hasattr(mlflow, "flush_trace_async_logging") else None)
    tracer = provider._get_tracer("capture")
    flush_with(tracer.span_processor.force_flush)
    openai_common.main(openai)
