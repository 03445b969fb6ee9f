"""Predictions of models and their labels: how they are taken, kept and found again."""
