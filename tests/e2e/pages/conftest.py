"""Pages before a hub of a few lines that says what the test wants."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def stubs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stub", Path(__file__).parent / "stub.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stub(stubs: ModuleType) -> Iterator[Any]:
    with stubs.serving(stubs.Stub()) as stub:
        yield stub


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page as on a phone; what the console says goes against the test."""
    contexts = []
    said: list[str] = []

    def opening(address: str, *, size: tuple[int, int] = (390, 844), **more: Any) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            **{"service_workers": "block", **more},
        )
        contexts.append(context)
        context.add_init_script("try { localStorage.setItem('harken.theme', 'day') } catch { }")
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text)
                if "Content Security Policy" in message.text else None)  # fmt: skip
        page.goto(address)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert said == []
