"""Drift: whether what a model sees and says is still what it was made for."""
