"""The medians of all rounds, as ratios to the stock user: a table, and a value for JSON.

Behind a ratio stand the lowest and the highest of the rounds.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

COLUMNS = {
    "acknowledged_per_cpu_second": "round trips/CPU-s",
    "receipts_per_cpu_second": "receipts/CPU-s",
    "connects_per_cpu_second": "connects/CPU-s",
    "kib_per_idle_connection": "KiB/idle connection",
}
_WIDTH = 32


@dataclass(slots=True)
class Row:
    """A generator: of each quantity the value of each round, by number; and what is to be said."""

    title: str
    values: dict[str, dict[int, float]] = field(default_factory=dict)
    notes: dict[str, list[int]] = field(default_factory=dict)  # by text, the rounds it is about

    def add(self, number: int, values: dict[str, float], notes: list[str]) -> None:
        """Take over what a measurement in a round gave."""
        for name, value in values.items():
            self.values.setdefault(name, {})[number] = value
        for note in notes:
            self.note(number, note)

    def note(self, number: int, text: str) -> None:
        """Say something about a round; 0: about all."""
        self.notes.setdefault(text, []).append(number)

    def said(self) -> list[str]:
        """What is to be said, each thing once."""
        return [
            text if 0 in numbers else f"{text} (round {', '.join(map(str, numbers))})"
            for text, numbers in self.notes.items()
        ]

    def median(self, name: str) -> float | None:
        """The median of all rounds."""
        values = self.values.get(name)
        return statistics.median(values.values()) if values else None

    def ratios(self, name: str, to: Row | None) -> list[float]:
        """The ratios within the rounds that both have, in order of size."""
        if to is None:
            return []
        mine, other = self.values.get(name, {}), to.values.get(name, {})
        both = mine.keys() & other.keys()
        return sorted(mine[each] / other[each] for each in both if other[each] > 0)

    def ratio(self, name: str, to: Row | None) -> float | None:
        """The median of these."""
        ratios = self.ratios(name, to)
        return statistics.median(ratios) if ratios else None


def lines(rows: dict[str, Row], stock: str) -> list[str]:
    """The table, and under it what is to be said about its rows."""
    base = rows.get(stock)
    width = max(len(row.title) for row in rows.values())
    table = [" " * width + "".join(f"{title:>{_WIDTH}}" for title in COLUMNS.values())]
    for row in rows.values():
        cells = (_cell(row.median(name), row.ratios(name, base)) for name in COLUMNS)
        table.append(f"{row.title:{width}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells))
    notes = [f"  {row.title}: {note}" for row in rows.values() for note in row.said()]
    return [*table, *(["", *notes] if notes else [])]


def _cell(value: float | None, ratios: list[float]) -> str:
    if value is None:
        return "-"
    figure = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    if not ratios:
        return figure
    figure += f" {statistics.median(ratios):6.2f}x"
    return figure if len(ratios) == 1 else f"{figure} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def as_json(rows: dict[str, Row], stock: str) -> dict[str, Any]:
    """The same for programs, with each round's values and what the table leaves out."""
    base = rows.get(stock)
    return {
        name: {
            "title": row.title,
            "notes": row.said(),
            "figures": {
                figure: {
                    "median": row.median(figure),
                    "ratio": row.ratio(figure, base),
                    "ratios": row.ratios(figure, base),
                    "rounds": row.values[figure],
                }
                for figure in row.values
            },
        }
        for name, row in rows.items()
    }
