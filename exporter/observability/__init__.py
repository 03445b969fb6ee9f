"""The exporter: GenAI telemetry in, numbers out."""
