"""The figures of a run of the benchmark as one picture.

    python benchmarks/generators/chart.py FIGURES.json FILE.svg

FIGURES.json is what `run.py --json` has written. A bar is the median of the rounds, the line over
it goes from the lowest round to the highest, and behind it stands the median of the ratios to k6,
round by round. Scales are logarithmic.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from table import COLUMNS, Row

TO = "k6"
BETTER = {"kib_per_idle_connection": "less is better"}
LEAST = 0.05
OURS, OTHERS = "#b3541e", "#5f7a94"


def rows(value: dict[str, Any]) -> dict[str, Row]:
    """The generators of a run that has measured anything of them, by name."""
    found = {}
    for name, each in value["generators"].items():
        row = Row(each["title"])
        for figure, told in each["figures"].items():
            for number, amount in told["rounds"].items():
                row.add(int(number), {figure: amount}, [])
        if row.values:
            found[name] = row
    return found


def draw(value: dict[str, Any], file: Path) -> None:
    """Draw what `run.py --json` wrote; the same figures make the same octets."""
    every = rows(value)
    shown = {
        name: title
        for name, title in COLUMNS.items()
        if any(name in row.values for row in every.values())
    }
    with mpl.rc_context({"svg.hashsalt": "generators", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 0.6 + sum(0.7 + 0.28 * len(every) for _ in shown)))
        panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
        for panel, (name, title) in zip(panels, shown.items(), strict=True):
            _panel(panel, name, title, every)
        machine = value["machine"]
        figure.supxlabel(
            f"{_rounds(every)} rounds against {value['target']}, {machine['cpus']} CPUs,"
            f" CPython {machine['python']}; × is the ratio to k6",
            fontsize=8,
        )
        figure.tight_layout()
        figure.savefig(file, metadata={"Date": None})


def _rounds(every: dict[str, Row]) -> str:
    """How many there were of each figure; fewer where a run was interrupted."""
    counts = {len(values) for row in every.values() for values in row.values.values()}
    return str(max(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _panel(panel: Any, name: str, title: str, every: dict[str, Row]) -> None:
    # What rounds to nothing has no place on such a scale.
    have = [(key, row) for key, row in every.items() if (row.median(name) or 0) >= LEAST]
    base = every.get(TO)
    for place, (key, row) in enumerate(have):
        median, values = row.median(name), row.values[name].values()
        assert median is not None
        panel.barh(place, median, color=OURS if key.startswith("sockproof") else OTHERS)
        panel.plot([min(values), max(values)], [place, place], color="black", linewidth=1)
        ratio = row.ratio(name, base)
        text = f"{median:,.0f}" if median >= 100 else f"{median:.1f}"
        text += "" if ratio is None else f"  {ratio:.2g}×"
        panel.annotate(text, (max(values), place), (4, 0), textcoords="offset points", va="center")
    panel.set_xscale("log")
    panel.set_yticks(range(len(have)), [row.title for _, row in have])
    panel.invert_yaxis()
    panel.margins(x=0.25)
    panel.set_title(f"{title} ({BETTER.get(name, 'more is better')})", loc="left", fontsize=9)
    panel.spines[["top", "right"]].set_visible(False)


def main() -> int:
    """Draw one picture; 3 for a wrong command."""
    if len(sys.argv) != 3:
        print("chart.py FIGURES.json FILE.svg", file=sys.stderr)
        return 3
    try:
        value = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        draw(value, Path(sys.argv[2]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"chart.py: {sys.argv[1]}: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
