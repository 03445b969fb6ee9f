"""Headless Chromium, driven by Playwright; skipped with the reason where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Nothing but the page that is tested: no sync, no updates, no first-run page.
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser per module. (Longer would keep Playwright's event loop running under other tests.)"""
    executable = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(CHROMIUM_NAMES)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A page and everything that its console complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.complaints.append(f"{message.type}: {message.text}")

        self.page.on("console", on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    """A fresh page in dark colours, with its own cookies and storage."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    tab = Tab(context.new_page())
    tab.listen()
    yield tab
    context.close()
