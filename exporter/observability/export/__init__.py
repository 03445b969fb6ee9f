"""``python -m observability.export``: the predictions of the store as Parquet, CSV or JSON lines."""
