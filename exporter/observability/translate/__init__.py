"""Spans → canonical records."""
