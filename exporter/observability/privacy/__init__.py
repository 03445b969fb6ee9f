"""Finding and masking personal data and secrets in text and in JSON-like values.

Needs the standard library alone, so that an app can import it through ``observability.client``.
What is found and what is not is measured on ``tests/unit/privacy/corpus.jsonl``; see ``docs/privacy.md``.
"""

from observability.privacy.custom import PatternError
from observability.privacy.masker import KINDS, Finding, Masker, MaskingError

__all__ = ["KINDS", "Finding", "Masker", "MaskingError", "PatternError"]
