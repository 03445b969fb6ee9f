"""Models in production: their predictions, performance and drift."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from observability.settings.base import Duration, Name, Strict

FeatureKind = Literal["numeric", "categorical", "boolean", "text", "embedding"]


class Predictions(Strict):
    """Where predictions and labels are kept, and how large one may be."""

    url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the store, such as postgresql+psycopg://user@host/db; "
        "a SQLite file in STATE_DIR if left out",
    )
    url_file: str | None = Field(
        default=None, description="file under the secrets folder that holds the URL, password included"
    )
    synchronous: Literal["normal", "full"] = Field(
        default="normal",
        description="SQLite: normal survives the end of the process at any moment, full a power cut as well",
    )
    features: bool = Field(default=True, description="store the features; off, drift is still measured")
    retention: Duration = Field(default="30d", description="age at which predictions and labels are deleted")
    max_rows: int = Field(default=10_000_000, gt=0, description="predictions beyond which the oldest are deleted")
    queue_items: int = Field(
        default=100_000, gt=0, description="predictions and labels waiting to be stored before 429 is answered"
    )
    commit_items: int = Field(default=10_000, gt=0, description="items that one transaction takes at most")
    body_items: int = Field(default=50_000, gt=0, description="items of one request at most")
    features_per_prediction: int = Field(default=500, gt=0, description="features of one prediction at most")
    text_length: int = Field(default=10_000, gt=0, description="characters of a text at most, of a name 256")
    embedding_length: int = Field(default=4096, gt=0, description="numbers of an embedding at most")
    baseline_bytes: int = Field(default=200_000_000, gt=0, description="largest baseline that is taken")
    baseline_rows: int = Field(
        default=100_000, gt=0, description="rows of a baseline that are kept; of more, a random sample"
    )
    future_seconds: float = Field(default=3600.0, ge=0, description="how far a timestamp may lie in the future")


class Model(Strict):
    """What cannot be guessed from a model's predictions and baseline."""

    name: Name
    task: Literal["classification", "regression"] | None = Field(
        default=None, description="guessed from the predictions if left out"
    )
    positive: str | None = Field(
        default=None, description="class that precision, recall and auc speak of; the rarer one if left out"
    )
    features: tuple[str, ...] = Field(
        default=(), description="features that are watched; all of the baseline if left out"
    )
    kinds: dict[str, FeatureKind] = Field(
        default_factory=dict, description="kind of features whose values do not tell, such as {postcode: categorical}"
    )
    segments: tuple[Name, ...] = Field(
        default=(), description="keys of segment that performance is shown by; all that are sent if left out"
    )
    baseline_from: int | None = Field(
        default=None,
        ge=100,
        le=100_000,
        description="make a baseline of so many first predictions of each version that has none",
    )
    detectors: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="feature → drift detectors of your own, each module:Class or the name of an entry point",
    )

    @field_validator("detectors")
    @classmethod
    def _each_once(cls, detectors: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for feature, names in detectors.items():
            unique(list(names), feature)
        return detectors


class Drift(Strict):
    """When the data of a model counts as drifted."""

    average_run_length: float = Field(
        default=10_000_000,
        gt=1000,
        description="predictions between two false alarms of a model, at least, on average; "
        "the chance of one within n predictions is at most n divided by it",
    )
    window: int = Field(default=2000, ge=100, description="newest predictions that distances are made of")
    bins: int = Field(default=10, ge=2, le=50, description="bins of a numeric feature, each with an equal share")
    categories: int = Field(default=20, ge=2, le=100, description="categories with a bin of their own, most frequent")
    min_samples: int = Field(default=100, ge=10, description="effective observations before anything is said")
    score: float = Field(
        default=0.25, gt=0, description="population stability index from which a proven drift is also a large one"
    )
    share: float = Field(default=0.5, gt=0, le=1, description="share of drifted features that boards show as bad")
    clear_after: int = Field(
        default=1000, ge=100, description="predictions like the baseline after which an alarm ends"
    )
    max_features: int = Field(default=200, ge=1, description="features of one model that are watched")
    max_models: int = Field(default=50, ge=1, description="models and versions that are watched, the newest used ones")
    windows: tuple[Duration, ...] = Field(
        default=("1h", "1d"), description="windows of the recording rules that compare bins in Prometheus"
    )
    detector_interval: Duration = Field(
        default="30s", description="how often detectors of your own look at new values, at most"
    )
    detector_reference: int = Field(
        default=10_000, ge=100, description="values of the baseline that they are fitted with; of more, a random sample"
    )
    embedder: str = Field(
        default="wordllama", description="of texts: wordllama (extra text), hashing, or module:Class of your own"
    )


class Correlation(Strict):
    """Which models move together: rank correlation of their drift, errors and latency over time."""

    bucket: Duration = Field(default="5m", description="time over which each of them is averaged")
    buckets: int = Field(default=288, ge=20, le=10_000, description="buckets that are compared, the newest")
    min_buckets: int = Field(default=20, ge=10, description="buckets that both models have before anything is said")
    pairs: int = Field(default=45, ge=1, le=1000, description="pairs at most: of the models that most is known of")


class Performance(Strict):
    """How good a model is, from its labels and before they come."""

    window: int = Field(default=2000, ge=100, description="newest labelled predictions that metrics are made of")
    min_labels: int = Field(default=50, ge=10, description="labelled predictions before anything is said")
    confidence_level: float = Field(default=0.95, gt=0.5, lt=1, description="of the intervals")
    low_confidence: float = Field(default=0.5, gt=0, lt=1, description="confidence below which a prediction is a guess")
    segment_values: int = Field(default=20, ge=1, description="values of a segment that are shown, most frequent")
    estimate: bool = Field(default=True, description="estimate the performance of predictions without a label")
    correlation: Correlation = Correlation()


class Watch(Strict):
    """A metric whose own past says what is normal."""

    name: Name
    expr: str = Field(description="PromQL; each series of it is watched by itself")
    season: Duration = Field(default="1d", description="period after which a like time comes again")
    direction: Literal["up", "down", "both"] = Field(default="both", description="which way is bad")
    deviations: float = Field(default=5.0, gt=0, description="robust standard deviations that are an anomaly")
    regression_ratio: float = Field(
        default=1.5, gt=1, description="change of the hourly mean against a season ago that is a regression"
    )
    for_: Duration = Field(default="10m", alias="for")


DEFAULT_WATCHES = (
    Watch(
        name="llm-latency",
        expr="sum by (service, model) (rate(llm_request_latency_seconds_sum[5m])) / "
        "sum by (service, model) (rate(llm_request_latency_seconds_count[5m]))",
        direction="up",
    ),
    Watch(
        name="prediction-latency",
        expr="sum by (model, version) (rate(ml_prediction_latency_seconds_sum[5m])) / "
        "sum by (model, version) (rate(ml_prediction_latency_seconds_count[5m]))",
        direction="up",
    ),
    Watch(name="prediction-rate", expr="sum by (model) (rate(ml_predictions_total[5m]))"),
)


def unique(names: list[str], what: str) -> None:
    """Raise ``ValueError`` if one of ``names`` is there twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what}: the name {twice[0]!r} is used twice")
