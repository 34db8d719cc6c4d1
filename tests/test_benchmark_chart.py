"""The picture of the benchmark of load generators shows what was measured, and nothing else."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which stands in the folder of a script."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/generators"))
    return importlib.import_module("chart")


def figures(rounds: dict[str, float]) -> dict[str, Any]:
    return {"acknowledged_per_cpu_second": {"rounds": rounds}}


VALUE = {
    "target": "fast_target.c",
    "rounds": 3,
    "machine": {"cpus": 2, "python": "3.11.2"},
    "generators": {
        "k6": {"title": "k6 by hand", "figures": figures({"1": 1000, "2": 2000, "3": 3000})},
        "sockproof-lean": {
            "title": "ours",
            "figures": figures({"1": 3100, "2": 5000, "3": 9600}),
        },
        "c-limit": {"title": "who could not run", "figures": {}},
    },
}


def test_medians_and_ratios_stand_behind_the_bars(chart: Any, tmp_path: Path) -> None:
    once, again = tmp_path / "one.svg", tmp_path / "two.svg"
    for file in (once, again):
        chart.draw(VALUE, file)
    drawn = once.read_text()
    for text in ("k6 by hand", "2,000  1×", "ours", "5,000  3.1×", "round trips/CPU-s", "3 rounds"):
        assert text in drawn
    for text in ("who could not run", "receipts/CPU-s", "KiB/idle connection"):
        assert text not in drawn
    assert once.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("content", ["", "[]", '{"generators": {"k6": {}}}'])
def test_figures_that_are_none_are_one_line_and_code_3(
    content: str,
    chart: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "figures.json").write_text(content)
    words = ["chart.py", str(tmp_path / "figures.json"), str(tmp_path / "chart.svg")]
    monkeypatch.setattr(sys, "argv", words)
    assert chart.main() == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "chart.svg").exists()


def test_figures_of_a_file_are_drawn(
    chart: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "figures.json").write_text(json.dumps(VALUE))
    words = ["chart.py", str(tmp_path / "figures.json"), str(tmp_path / "chart.png")]
    monkeypatch.setattr(sys, "argv", words)
    assert chart.main() == 0
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"
