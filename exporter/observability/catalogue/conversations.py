"""Drift of the prompts and answers of LLM calls.

``prompt`` is the name of the prompt, with its version where there is one, and ``unknown`` where spans have none;
``text`` is ``prompt`` or ``answer``.
"""

from __future__ import annotations

from observability.catalogue.family import Family

_STREAM = ("service", "model", "prompt")
_TEXT = (*_STREAM, "text")
_FEATURE = (*_TEXT, "feature")
_TEST = (*_FEATURE, "drift_type")

LLM_TEXT_DRIFT_DETECTED = Family(
    "llm_text_drift_detected",
    "gauge",
    _TEXT,
    "1 while the prompts or answers of LLM calls are judged drifted by a sequential test, else 0; absent without texts "
    "and before a baseline is learned.",
)
LLM_TEXT_DRIFT_FEATURE_DETECTED = Family(
    "llm_text_drift_feature_detected", "gauge", _FEATURE, "1 while one feature of them is judged drifted, else 0."
)
LLM_TEXT_DRIFT_SCORE = Family(
    "llm_text_drift_score",
    "gauge",
    _TEST,
    "Distance of the newest texts from the learned baseline (drift_type: psi, jensen_shannon, chi2, ks, wasserstein), "
    "or the logarithm to base 10 of the evidence for a change (sequential).",
)
LLM_TEXT_DRIFT_THRESHOLD = Family(
    "llm_text_drift_threshold",
    "gauge",
    _TEST,
    "What llm_text_drift_score must exceed at these sample sizes to count as drifted.",
)
LLM_TEXT_DRIFT_SAMPLES = Family(
    "llm_text_drift_effective_samples",
    "gauge",
    _FEATURE,
    "Texts in the window, divided by how far they repeat one another.",
)
LLM_TEXT_DRIFT_ALARMS = Family(
    "llm_text_drift_alarms_total", "counter", _FEATURE, "Alarms that the sequential test of a feature raised."
)
LLM_TEXT_BASELINE_RATIO = Family(
    "llm_text_baseline_ratio", "gauge", _TEXT, "How much of the baseline of the texts is learned, 0 to 1."
)
EXPORTER_CONVERSATIONS = Family(
    "exporter_conversations_total",
    "counter",
    ("outcome",),
    "LLM calls with content by what became of it (measured, sampled_out, queue_full, too_many_streams, not_masked, "
    "no_text, failed).",
)
