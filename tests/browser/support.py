"""What the browser tests read from a page."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

#: Milliseconds until every panel must have an answer.
DEADLINE = 60_000

_SETTLED = """() => {
  const parts = [...document.querySelectorAll("[data-state]")];
  return parts.length > 0 && parts.every((part) => part.dataset.state !== "loading");
}"""
_PANELS = """() => [...document.querySelectorAll("[data-panel-id]")].map((panel) => ({
  id: Number(panel.dataset.panelId), title: panel.querySelector("h3").textContent, state: panel.dataset.state,
  type: panel.dataset.panelType, text: panel.querySelector(".panel-body").innerText,
}))"""


@dataclass(frozen=True)
class Drawn:
    """One panel as the page shows it."""

    id: int
    title: str
    state: str
    type: str
    text: str


def settle(page: Page) -> list[Drawn]:
    """Wait until nothing is loading any more; returns the panels."""
    page.wait_for_function(_SETTLED, timeout=DEADLINE)
    return [Drawn(**panel) for panel in page.evaluate(_PANELS)]
