"""Debian's Chromium under Playwright, for the tests of pages; they are skipped where either is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def opened_browser() -> Iterator[Any]:
    """Open a headless browser; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install -e '.[browser]'")
    if PROGRAM is None:
        pytest.skip("there is no Chromium: apt install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any, path: Path, *, width: int = 1440, height: int = 900, scheme: str = "light", ready: str = ""
) -> Iterator[Any]:
    """Open the file as a page from the disk, which must not complain."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    if ready:
        page.wait_for_selector(ready)
    yield page
    context.close()
    assert complaints == []


def overflows(page: Any, selector: str = "html") -> bool:
    """Return whether something of the element is cut off at its right or must be scrolled to."""
    return bool(page.evaluate("s=>{const e=document.querySelector(s);return e.scrollWidth>e.clientWidth}", selector))


def violations(page: Any) -> list[str]:
    """Return what axe finds, a sentence a rule with the first element of each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['help']} ({rule['nodes'][0]['html'][:120]})" for rule in found]
