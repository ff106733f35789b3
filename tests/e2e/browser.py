"""A real Chromium for tests of the page."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Return the browser to use; skips if there is none, unless PITBOX_E2E=required."""
    named = os.environ.get("PITBOX_CHROMIUM", "")
    found = named or next(filter(None, map(shutil.which, NAMES)), "")
    if found and Path(found).exists():
        return found
    reason = f"no Chromium: install one of {', '.join(NAMES)} or set PITBOX_CHROMIUM"
    if os.environ.get("PITBOX_E2E") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def page(width: int, height: int) -> Iterator[tuple[Page, list[str]]]:
    """Open an empty page; yield it with the list of its errors and warnings."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(OPTIONS))
        context = browser.new_context(viewport={"width": width, "height": height})
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "console",
            lambda message: (
                complaints.append(f"{message.text} {message.location['url']}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        yield opened, complaints
        browser.close()
