"""Predictions of models, their labels, data quality and drift.

``version`` is ``unknown`` where a prediction brings none. A feature whose name begins with ``@`` is none of the
model's input: ``@prediction`` and ``@confidence`` are its output, ``@error`` is whether it was wrong.
"""

from __future__ import annotations

from observability.catalogue.family import Family

#: Seconds; models answer in less than a millisecond or take as long as a batch job, and 0.5 s is the default objective.
PREDICTION_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
#: Most of what tells a sure model from one that guesses lies near 1.
CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
#: Seconds; from a click a moment later to a loan that is paid back a month later.
LABEL_DELAY_BUCKETS = (1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0, 604800.0, 2592000.0)

_MODEL = ("model", "version")
_FEATURE = (*_MODEL, "feature")
_TEST = (*_MODEL, "drift_type", "feature")
_METRIC = (*_MODEL, "metric_type")

# --- Predictions ----------------------------------------------------------------------------------
ML_PREDICTIONS = Family(
    "ml_predictions_total", "counter", (*_MODEL, "status"), "Predictions by outcome (status: success or error)."
)
ML_PREDICTION_ERRORS = Family(
    "ml_prediction_errors_total",
    "counter",
    (*_MODEL, "error_type"),
    "Failed predictions by kind of error, from the name that was sent.",
)
ML_PREDICTION_LATENCY = Family(
    "ml_prediction_latency_seconds",
    "histogram",
    _MODEL,
    "Duration of a prediction as its service measured it.",
    "seconds",
    PREDICTION_BUCKETS,
    exemplars=True,
)
ML_PREDICTION_CONFIDENCE = Family(
    "ml_prediction_confidence",
    "histogram",
    (*_MODEL, "class"),
    "Confidence of predictions by predicted class.",
    "",
    CONFIDENCE_BUCKETS,
    exemplars=True,
)
ML_PREDICTION_AGE = Family(
    "ml_prediction_age_seconds", "gauge", _MODEL, "Time since the newest prediction of a model.", "seconds"
)
ML_DUPLICATE_PREDICTIONS = Family(
    "ml_duplicate_predictions_total", "counter", _MODEL, "Predictions whose id was known already; they count once."
)

# --- Labels and performance -----------------------------------------------------------------------
ML_LABELS = Family("ml_labels_total", "counter", _MODEL, "Labels that found their prediction.")
ML_LABEL_DELAY = Family(
    "ml_label_delay_seconds",
    "histogram",
    _MODEL,
    "Time from a prediction to its label.",
    "seconds",
    LABEL_DELAY_BUCKETS,
)
ML_LABELLED_SAMPLES = Family(
    "ml_model_labelled_samples", "gauge", _MODEL, "Predictions with a label in the window that performance is made of."
)
ML_MODEL_ACCURACY = Family(
    "ml_model_accuracy",
    "gauge",
    _METRIC,
    "Performance over the window of labelled predictions: accuracy, precision, recall, f1, auc, log_loss, brier, ece; "
    "or mae, rmse, r2.",
)
ML_MODEL_ACCURACY_LOWER = Family(
    "ml_model_accuracy_lower", "gauge", _METRIC, "Lower end of the confidence interval of ml_model_accuracy."
)
ML_MODEL_ACCURACY_UPPER = Family(
    "ml_model_accuracy_upper", "gauge", _METRIC, "Upper end of the confidence interval of ml_model_accuracy."
)
ML_MODEL_ACCURACY_BASELINE = Family(
    "ml_model_accuracy_baseline", "gauge", _METRIC, "Performance on the baseline, where that has labels."
)
ML_MODEL_ACCURACY_ESTIMATED = Family(
    "ml_model_accuracy_estimated",
    "gauge",
    _METRIC,
    "Performance of the newest predictions estimated without their labels, from calibrated confidence (CBPE) or from "
    "the errors of similar predictions (DLE).",
)
ML_MODEL_ACCURACY_ESTIMATED_LOWER = Family(
    "ml_model_accuracy_estimated_lower", "gauge", _METRIC, "Lower end of the interval of ml_model_accuracy_estimated."
)
ML_MODEL_ACCURACY_ESTIMATED_UPPER = Family(
    "ml_model_accuracy_estimated_upper", "gauge", _METRIC, "Upper end of the interval of ml_model_accuracy_estimated."
)
ML_SEGMENT_ACCURACY = Family(
    "ml_segment_accuracy",
    "gauge",
    (*_MODEL, "segment", "value", "metric_type"),
    "Performance over the labelled predictions of one segment, such as region = north.",
)
ML_SEGMENT_SAMPLES = Family(
    "ml_segment_labelled_samples",
    "gauge",
    (*_MODEL, "segment", "value"),
    "Labelled predictions of one segment in the window.",
)
ML_CALIBRATION_PREDICTED = Family(
    "ml_calibration_predicted_ratio",
    "gauge",
    (*_MODEL, "bin"),
    "Mean confidence of the labelled predictions of one bin of confidence.",
)
ML_CALIBRATION_OBSERVED = Family(
    "ml_calibration_observed_ratio",
    "gauge",
    (*_MODEL, "bin"),
    "Share of right predictions among the labelled ones of one bin of confidence.",
)

# --- Drift ----------------------------------------------------------------------------------------
DATA_DRIFT_DETECTED = Family(
    "data_drift_detected",
    "gauge",
    ("model",),
    "1 while the sequential test judges the data of a model drifted, else 0; absent without data.",
)
ML_DRIFT_SHARE = Family("ml_drift_share", "gauge", _MODEL, "Share of the features that are judged drifted, 0 to 1.")
ML_DRIFT_SCORE = Family(
    "ml_drift_score",
    "gauge",
    _TEST,
    "Distance between the window and the baseline by one measure (drift_type: psi, jensen_shannon, ks, wasserstein, "
    "chi2, … or sequential, the logarithm to base 10 of the evidence; or a detector of your own, by its name).",
)
ML_DRIFT_P_VALUE = Family(
    "ml_drift_p_value",
    "gauge",
    _TEST,
    "p-value of one look at the window; whoever looks often must go by ml_drift_e_value.",
)
ML_DRIFT_EXPECTED = Family(
    "ml_drift_expected", "gauge", _TEST, "What ml_drift_score is on average without any drift, at these sample sizes."
)
ML_DRIFT_THRESHOLD = Family(
    "ml_drift_threshold", "gauge", _TEST, "What ml_drift_score must exceed at these sample sizes to count as drifted."
)
ML_DRIFT_DETECTED = Family(
    "ml_drift_detected", "gauge", _TEST, "1 while one feature is judged drifted by one measure, else 0."
)
ML_DRIFT_E_VALUE = Family(
    "ml_drift_e_value",
    "gauge",
    _FEATURE,
    "Evidence of the sequential test for a change, valid at every look; alarm at drift.average_run_length.",
)
ML_DRIFT_ALARMS = Family(
    "ml_drift_alarms_total", "counter", _FEATURE, "Alarms that the sequential test of a feature raised."
)
ML_DRIFT_EFFECTIVE_SAMPLES = Family(
    "ml_drift_effective_samples",
    "gauge",
    _FEATURE,
    "Observations in the window, divided by how far they repeat one another.",
)
ML_DRIFT_AUTOCORRELATION = Family(
    "ml_drift_autocorrelation_time",
    "gauge",
    _FEATURE,
    "Observations that say as much as one independent one; the sequential test takes every so many.",
)
ML_BASELINE_ROWS = Family(
    "ml_baseline_rows", "gauge", (*_MODEL, "baseline"), "Rows of the baseline in use; baseline is the hash of it."
)
ML_BASELINE_AGE = Family("ml_baseline_age_seconds", "gauge", _MODEL, "Age of the baseline in use.", "seconds")
ML_FEATURE_BIN = Family(
    "ml_feature_bin_total",
    "counter",
    ("model", "baseline", "feature", "bin"),
    "Values of a feature by bin of the baseline; adds up over replicas and windows.",
    exemplars=True,
)
ML_REFERENCE_BIN_RATIO = Family(
    "ml_reference_bin_ratio",
    "gauge",
    ("model", "baseline", "feature", "bin", "kind", "range"),
    "Share of a bin in the baseline, smoothed by half a value, with the kind of the feature and what the bin holds.",
)
ML_FEATURE_IMPORTANCE = Family(
    "ml_feature_importance",
    "gauge",
    _FEATURE,
    "How much a feature tells of the prediction in the window (normalised mutual information, 0 to 1).",
)
ML_FEATURE_IMPORTANCE_BASELINE = Family(
    "ml_feature_importance_baseline", "gauge", _FEATURE, "The same in the baseline, where that has predictions."
)
ML_MODEL_CORRELATION = Family(
    "ml_model_correlation",
    "gauge",
    ("model", "other", "signal"),
    "Rank correlation of a signal of two models over time (signal: drift, error, latency), -1 to 1.",
)
ML_MODEL_CORRELATION_P_VALUE = Family(
    "ml_model_correlation_p_value",
    "gauge",
    ("model", "other", "signal"),
    "p-value of ml_model_correlation, corrected for slow series and for all pairs (Holm); absent where too little is "
    "known.",
)

# --- Data quality ---------------------------------------------------------------------------------
ML_DATA_QUALITY_VALUES = Family(
    "ml_data_quality_values_total", "counter", _FEATURE, "Values of a feature that were looked at."
)
ML_DATA_QUALITY_ISSUES = Family(
    "ml_data_quality_issues_total",
    "counter",
    (*_FEATURE, "issue"),
    "Values that are not as in the baseline (missing, infinite, out_of_range, new_category, type_mismatch).",
)
ML_DATA_QUALITY_BASELINE = Family(
    "ml_data_quality_baseline_ratio", "gauge", (*_FEATURE, "issue"), "Share of such values in the baseline, 0 to 1."
)
