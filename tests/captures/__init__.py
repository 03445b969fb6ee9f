"""Real OTLP exports of GenAI instrumentations with the true numbers of each, and the tools around them."""
