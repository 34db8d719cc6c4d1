"""The page of a load run in a browser: it answers to the mouse, and is whole without scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from sockproof.analysis.timeline.frames import read
from sockproof.cli.load_report import write_load_report
from sockproof.render.figures import drawing, load_figures
from sockproof.render.plot import HIDES, latency_y, panels
from sockproof.render.plot_data import plot_data
from sockproof.shelves import shelf
from tests.render.browser import shown
from tests.render.load_sample import run_folder
from tests.render.sample import HOSTILE

CHART = "document.querySelector('#latency_over_time .uplot')"
LEGEND = f"{CHART}.querySelector('.u-legend').textContent"
FIGURES = {each.name: each for each in load_figures(shelf("reports"))}
STAYS_A_PICTURE = {"latency_heat_map"}


def page_of(folder: Path) -> Path:
    page, _ = write_load_report(folder, None)
    return page


def scripts_of(page: str) -> list[str]:
    return re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)


def test_figures_answer_to_the_mouse(tmp_path: Path) -> None:
    path = page_of(run_folder(tmp_path / "run", stall=6))
    with shown(path, tmp_path / "browser") as page:
        page.until("document.querySelectorAll('figure.live').length > 5")
        assert page.ask("document.querySelectorAll('figure.live > img:not([hidden])').length") == 0
        assert "2.00" not in page.ask(LEGEND)
        page.ask(f"{CHART}.scrollIntoView()")
        box = page.ask(f"JSON.stringify({CHART}.querySelector('.u-over').getBoundingClientRect())")
        place = json.loads(box)
        x, y, wide = place["x"], place["y"] + 40, place["width"]
        page.mouse("mouseMoved", x + wide * 0.3, y)
        page.until(f"{LEGEND}.includes('p502.00')")
        assert "3 s" in page.ask(LEGEND)
        other = "document.querySelector('#throughput_over_time .u-legend').textContent"
        page.until(f"{other}.includes('3 s')")  # all that is over time is looked into together
        page.mouse("mousePressed", x + wide * 0.5, y, 1)
        page.mouse("mouseMoved", x + wide * 0.75, y)
        page.mouse("mouseReleased", x + wide * 0.75, y, 1)
        page.mouse("mouseMoved", x + 2, y)
        page.until(f"/time[56] s/.test({LEGEND})")
        page.mouse("mousePressed", x + 9, y, 2)
        page.mouse("mouseReleased", x + 9, y, 2)
        page.ask("document.querySelector('#latency_over_time button').click()")
        page.mouse("mouseMoved", x + 3, y)
        page.until(f"{LEGEND}.includes('time0 s')")
        hide = f"{CHART}.querySelectorAll('.u-series th')[1].click()"
        assert page.ask(f"{CHART}.querySelectorAll('.u-off.u-series').length") == 0
        page.ask(hide)
        page.until(f"{CHART}.querySelectorAll('.u-off.u-series').length == 1")
        assert page.complaints == []


def test_nothing_is_wider_than_a_phone(tmp_path: Path) -> None:
    path = page_of(run_folder(tmp_path / "run"))
    with shown(path, tmp_path / "browser") as page:
        size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.call("Page.reload")
        page.until("innerWidth == 390 && document.querySelectorAll('.u-legend').length > 5")
        assert page.ask("document.documentElement.scrollWidth") == 390
        page.ask("document.querySelector('.u-legend').style.width = '100%'")
        assert page.ask("document.documentElement.scrollWidth") > 390


def test_page_is_whole_without_scripts(tmp_path: Path) -> None:
    path = page_of(run_folder(tmp_path / "run"))
    with shown(path, tmp_path / "browser", scripts=False) as page:
        assert page.ask("document.querySelectorAll('figure.live, .uplot').length") == 0
        assert page.ask("document.querySelectorAll('figure > img:not([hidden])').length") >= 10
        assert page.ask("document.querySelector('p.js').offsetHeight") == 0


@pytest.mark.parametrize("text", [HOSTILE, "x' onload='alert(1) </script><script>alert(1)"])
def test_strangers_script_nothing(text: str, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", text=text.encode("utf-8", "replace").decode())
    about = json.loads((folder / "run.json").read_text())
    about |= {"command": text, "server": text, "serves": text}
    about["locustfiles"] = [{"name": text, "text": text, "left_out": 3}]
    about["revision"] = {"commit": text, "dirty": True}
    (folder / "run.json").write_text(json.dumps(about))
    page = page_of(folder).read_text()
    (script,) = scripts_of(page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "innerHTML" not in (shelf("reports") / "load.js").read_text()
    for plot in re.findall(r'data-plot="([^"]*)"', page):
        json.loads(html.unescape(plot))
    if text == HOSTILE:
        with shown(folder / "report.html", tmp_path / "browser") as found:
            found.until("document.querySelectorAll('figure.live').length > 5")
            assert found.complaints == []


def test_page_says_how_to_run_it_again(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    about = json.loads((folder / "run.json").read_text())
    about |= {"command": "sockproof load chat.py --users 5", "server": "nginx/1.2"}
    about["locustfiles"] = [{"name": "chat.py", "text": "class <User>:\n    rate = 5\n"}]
    about["revision"] = {"commit": "abcdef", "dirty": True}
    (folder / "run.json").write_text(json.dumps(about))
    page = page_of(folder).read_text()
    assert "<code>sockproof load chat.py --users 5</code>" in page
    assert "class &lt;User&gt;:\n    rate = 5\n" in page
    assert "abcdef, with changes that are not committed" in page
    assert "nginx/1.2" in page


def test_page_of_an_older_run_says_what_there_is(tmp_path: Path) -> None:
    page = page_of(run_folder(tmp_path / "run")).read_text()
    assert "Run it again" in page
    assert "Git revision" not in page
    assert 'id="gate"' not in page


@pytest.mark.parametrize(
    ("outcome", "code", "said"), [("pass", 0, "Gate passed"), ("fail", 1, "Gate failed")]
)
def test_page_has_the_verdict_of_the_gate(
    outcome: str, code: int, said: str, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run")
    rule = {"that": "counts.lost == 0", "outcome": outcome, "value": code, "text": "<b>", "why": ""}
    fields = {"title": "smoke", "run": "run", "about": "echo", "outcome": outcome}
    gate = {**fields, "exit_code": code, "rules": [rule]}
    (folder / "gate.json").write_text(json.dumps(gate))
    page = page_of(folder).read_text()
    assert said in page
    assert "<code>counts.lost == 0</code>" in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_data_too(name: str, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", stall=6)
    path = folder / "summary.json"
    path.write_text(path.read_text().replace('"lost": {}', '"lost": {"4": 3}'))
    run = read(folder)
    figure = drawing(FIGURES[name], run)
    assert figure is not None
    found = plot_data(figure, run.spans)
    if name in STAYS_A_PICTURE:
        assert found is None
        return
    assert found is not None
    assert len(found["panels"]) == len(figure.axes)
    drawn = {text.get_text() for axes in figure.axes if axes.get_legend() for text in
             axes.get_legend().get_texts()}  # type: ignore[union-attr]  # fmt: skip
    told = {each["label"] for panel in found["panels"] for each in panel["series"]}
    assert drawn <= told | {label for panel in found["panels"] for label, *_ in panel["marks"]}
    json.dumps(found, allow_nan=False)


def test_linear_axis_tells_20_ms_from_60() -> None:
    def scale(*values: float) -> Figure:
        figure, (axes,) = panels((2.0,))
        latency_y(axes, values, "latency [ms]")
        return figure

    (axes,) = scale(20, 60, 30).axes
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] == 0
    (axes,) = scale(2, 2, 2, 2 * HIDES + 10).axes
    assert axes.get_yscale() == "log"  # on a linear one, all but one would lie on the floor
    assert axes.get_ylabel() == "latency, log. [ms]"
