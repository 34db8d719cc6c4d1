"""The page of results in a browser: narrow, by keyboard, without scripts, and for axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof.cli import main
from tests import site_sample
from tests.render.axe import violations
from tests.render.browser import Page, shown

SHOWN = "document.querySelectorAll('tr[data-marks]:not([hidden])').length"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    site_sample.two_versions(folder / "results")
    told = ["--out", str(folder / "public"), "--docs-url", "https://docs.example/"]
    assert main(["site", str(folder / "results"), *told]) == 0
    return folder / "public"


@pytest.fixture(scope="module")
def page(public: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with shown(public / "index.html", tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def open_page(page: Page, path: Path, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    page.call("Page.navigate", url=path.resolve().as_uri())
    page.until(f"document.readyState == 'complete' && location.pathname.endsWith('{path.name}')")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["index.html", "servers/two.html"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    name: str, width: int, public: Path, page: Page
) -> None:
    open_page(page, public / name, width)
    assert page.ask(WIDER) == 0
    assert violations(page) == []
    assert page.complaints == []


def test_axe_would_find_what_is_wrong(public: Path, page: Page) -> None:
    open_page(page, public / "index.html", 1280)
    page.ask("document.querySelector('input[type=search]').removeAttribute('aria-label')")
    page.ask("document.querySelector('input[type=search]').removeAttribute('placeholder')")
    assert [each.partition(":")[0] for each in violations(page)] == ["label"]


def test_filters_choose_rows_and_a_server(public: Path, page: Page) -> None:
    open_page(page, public / "index.html", 1280)
    every = int(page.ask("document.querySelectorAll('tr[data-marks]').length"))
    deviating = int(page.ask(SHOWN))
    choose = (
        "(() => {{ const field = document.querySelector('[name={}]'); field.value = '{}';"
        " field.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    page.ask(choose.format("show", ""))
    assert int(page.ask(SHOWN)) == every > deviating > 0
    page.ask(choose.format("text", "unfragmented"))
    assert int(page.ask(SHOWN)) == 1
    page.ask(choose.format("show", "fails"))
    page.ask(choose.format("server", "0"))
    assert int(page.ask(SHOWN)) == 0  # the first one has fixed it
    page.ask(choose.format("server", "1"))
    assert int(page.ask(SHOWN)) == 1


def test_keyboard_reaches_a_cell_and_its_evidence(public: Path, page: Page) -> None:
    open_page(page, public / "index.html", 1280)
    page.ask("document.querySelector('td a.mark.FAIL').focus()")
    name = str(page.ask("document.activeElement.getAttribute('aria-label')"))
    assert name.startswith("FAIL")
    for kind in ("keyDown", "keyUp"):
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        page.call("Input.dispatchKeyEvent", type=kind, **enter)
    page.until("location.pathname.includes('/servers/') && document.readyState == 'complete'")
    assert page.ask("document.querySelector('article:target') !== null")


def test_page_is_whole_without_scripts(public: Path, tmp_path: Path) -> None:
    text = (public / "index.html").read_text(encoding="utf-8")
    assert text.count("<tr data-marks") > 3
    assert "hidden" not in text.split("<main>")[1].split("<script>")[0]
