"""rag-assistant: answers questions from a help centre, instrumented with OpenTelemetry's own OpenAI instrumentation."""
