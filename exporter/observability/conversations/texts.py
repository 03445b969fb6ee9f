"""Which text of a call is its prompt, and which its answer."""

from __future__ import annotations

from typing import Any

from observability.tokens.messages import Message, content_of

#: What an app writes itself, the same for every call: it is deployed, and does not drift.
_INSTRUCTIONS = frozenset({"system", "developer"})
_USER = frozenset({"user", "human"})


def prompt_of(value: Any) -> str | None:
    """What is asked: the last message of the user, else the last that is no instruction; ``None`` without any.

    Earlier messages of a conversation were looked at when they were the last.
    """
    messages = [each for each in content_of(value).messages if each.role.lower() not in _INSTRUCTIONS]
    if not messages:
        return None
    of_users = [each for each in messages if each.role.lower() in _USER and any(each.texts)]
    return _text(of_users[-1] if of_users else messages[-1])


def answer_of(value: Any) -> str | None:
    """What is answered, calls of tools with their arguments included; empty for an answer without text, ``None`` where
    nothing was recorded."""
    if value is None:
        return None
    return "\n".join(filter(None, map(_text, content_of(value).messages)))


def _text(message: Message) -> str:
    return "\n".join([*filter(None, message.texts), *(f"{name} {arguments}" for name, arguments in message.calls)])
