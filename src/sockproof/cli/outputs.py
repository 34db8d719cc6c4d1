"""Which reports of a run are written, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof import files, shelves
from sockproof.errors import CommandError
from sockproof.render.conformance import autobahn, html, junit, markdown
from sockproof.runs import records

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outputs:
    """A file for each format; None where it is not wanted."""

    json: Path | None
    junit: Path | None
    html: Path | None
    markdown: Path | None
    template: Path

    @classmethod
    def in_folder(cls, folder: Path, shelf: Path | None) -> Outputs:
        """All four, in one folder."""
        return cls(
            folder / "report.json",
            folder / "junit.xml",
            folder / "report.html",
            folder / "report.md",
            _template(shelf),
        )

    @classmethod
    def asked_for(cls, shelf: Path | None, **formats: Path | None) -> Outputs | None:
        """Those that the file options name, by their format; None when there is no such option."""
        if not any(formats.values()):
            return None
        for path in formats.values():
            if path is not None and not path.parent.is_dir():
                raise CommandError(f"{path}: there is no folder {path.parent}")
            if path is not None and path.is_dir():
                raise CommandError(f"{path}: is a folder")
        return cls(**formats, template=_template(shelf))

    def write(self, report: Mapping[str, Any]) -> list[Path]:
        """Write them; gives the files in the order in which a person wants them."""
        texts: tuple[tuple[Path | None, Callable[[], str]], ...] = (
            (self.html, lambda: html.render(report, self.template)),
            (self.markdown, lambda: markdown.render(report)),
            (self.junit, lambda: junit.render(report)),
            (self.json, lambda: records.to_json(report)),
        )
        written = []
        for path, render in texts:
            if path is not None:
                files.write(path, render())
                written.append(path)
        return written


def _template(shelf: Path | None) -> Path:
    return shelves.shelf("reports", shelf) / "conformance.html.j2"


def write_autobahn(reports: Sequence[tuple[str, Report]], folder: Path | None) -> None:
    """Write the files that `--autobahn` asks for, of agents by their names, and say where."""
    if folder is not None:
        print(f"Autobahn format: {autobahn_files(reports, folder)}")


def autobahn_files(reports: Sequence[tuple[str, Report]], folder: Path) -> Path:
    """Write them; gives the one that leads to the others."""
    files.make_folder(folder)
    for name, text in autobahn.files(reports).items():
        files.write(folder / name, text)
    return folder / "index.json"


def write_index(folder: Path, entries: list[html.IndexEntry], shelf: Path | None) -> Path:
    """A page that links the reports of several targets."""
    template = shelves.shelf("reports", shelf) / "conformance-index.html.j2"
    path = folder / "index.html"
    files.write(path, html.index(entries, template))
    return path
