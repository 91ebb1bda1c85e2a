"""A real browser for the pages: Debian's Chromium, driven by Playwright, with axe inside."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
PATIENCE = 20.0
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class NoBrowser(Exception):
    """There is no Chromium here; the text says where it was looked for."""


@dataclass(frozen=True)
class View:
    """How somebody looks: width of the window and colours."""

    width: int
    colours: str

    def __str__(self) -> str:
        return f"{self.width}-{self.colours}"


VIEWS = tuple(View(width, colours) for width in (390, 1440) for colours in ("light", "dark"))


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Chromium without a window; raises NoBrowser where there is none."""
    if not CHROMIUM.is_file():
        raise NoBrowser(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(ARGUMENTS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app behind a real port of this machine; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE
    while not server.started:
        assert thread.is_alive(), "the pages did not start"
        assert time.monotonic() < until, "the pages did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE)


@contextmanager
def a_page(browser: Browser, view: View, javascript: bool = True) -> Iterator[Page]:
    """A page of a new visitor; what its console said must be nothing."""
    context = browser.new_context(
        viewport={"width": view.width, "height": 900},
        color_scheme=view.colours,
        java_script_enabled=javascript,
    )
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    try:
        yield page
    finally:
        context.close()
    assert not said, f"the console said: {said}"


def violations(page: Page) -> list[str]:
    """What axe finds wrong, as rule and place."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", list(_TAGS)
    )
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def is_wider_than_the_window(page: Page) -> bool:
    """The page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def must_have_a_browser() -> bool:
    """No test may be skipped in CI."""
    return os.environ.get("CI") == "true"
