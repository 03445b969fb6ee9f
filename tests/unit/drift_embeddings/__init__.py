"""Drift of embeddings and of texts."""
