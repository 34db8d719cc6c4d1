"""The page, the figures and the Markdown of a load run."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.analysis.timeline.frames import read
from sockproof.render.figures import drawing, load_figures
from sockproof.shelves import shelf
from tests.render.load_sample import run_folder
from tests.render.sample import HOSTILE
from tests.waiting import LIMIT

REPORTS = shelf("reports")
FIGURES = load_figures(REPORTS)


def report(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`sockproof report`, or another command, to its end."""
    command = (sys.executable, "-m", "sockproof", *(command or ("report",)), str(folder))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_report_stands_in_the_run_folder(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    done = report(folder)
    assert done.returncode == 0, done.stderr
    page = (folder / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") >= 10
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:|//)", page)
    assert page.count("<script") == 1  # ours: see test_load_page.py
    assert "100.0 messages/s" in page
    assert "| lost |" in (folder / "summary.md").read_text().replace("**", "")
    for drawn in (folder / "figures").glob("*.svg"):
        assert drawn.with_suffix(".png").is_file()


def test_report_at_the_end_of_a_run_draws_each_figure_once(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    report(folder)
    before = {path.name for path in (folder / "figures").glob("*.svg")}
    done = report(folder, "summary", "--report")
    assert "report.html" in done.stdout, done.stderr
    assert {path.name for path in (folder / "figures").iterdir()} == before


def test_figures_are_the_same_each_time(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    report(folder)
    before = {path.name: path.read_bytes() for path in (folder / "figures").glob("*.svg")}
    report(folder)
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").glob("*.svg")}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda each: each.name)
def test_axes_have_units(figure: object, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", stall=6)
    path = folder / "summary.json"
    path.write_text(path.read_text().replace('"lost": {}', '"lost": {"4": 3}'))
    drawn = drawing(figure, read(folder))  # type: ignore[arg-type]
    assert drawn is not None
    labels = [each.get_xlabel() for each in drawn.axes] + [each.get_ylabel() for each in drawn.axes]
    assert any(labels)
    for label in filter(None, labels):
        assert re.search(r"\[[^\]]+\]$", label), label


def test_strings_of_strangers_do_nothing(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", text=HOSTILE.encode("utf-8", "replace").decode() * 3)
    path = folder / "summary.json"
    value = json.loads(path.read_text())
    value["examples"]["lost"] = [HOSTILE, "x" * 1_000_000]
    value["generator"]["reasons"] = [HOSTILE]
    path.write_text(json.dumps(value))
    done = report(folder)
    assert done.returncode == 0, done.stderr
    page, brief = ((folder / name).read_text() for name in ("report.html", "summary.md"))
    assert len(page) < 3_000_000
    assert len(brief) < 100_000
    for text in (page, brief):
        assert text.count("<script") == (text is page)
        assert "<img src=x" not in text
        assert not re.search("[\x00-\x08\x1b\x7f\x9b\u202e]", text)
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in html.unescape(page)  # as it is, and not 49


def test_run_in_which_nothing_happened_has_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    done = report(folder)
    assert done.returncode == 0, done.stderr
    page = (folder / "report.html").read_text()
    assert "there is no summary.json" in page
    assert "Not drawn" in page


def test_verdict_is_the_stored_one(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    path = folder / "summary.json"
    value = json.loads(path.read_text())
    value["counts"]["lost"] = 4
    value["properties"]["lost"] |= {"verdict": False, "violations": 4}
    path.write_text(json.dumps(value))
    report(folder)
    assert "Violations: 4 lost" in (folder / "report.html").read_text()
