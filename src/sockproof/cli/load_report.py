"""The report of a load run's folder: page, figures and Markdown, written into it."""

from __future__ import annotations

from pathlib import Path

from sockproof import shelves
from sockproof.cli.settings import CommandError


def write_load_report(folder: Path, shelf: Path | None) -> list[Path]:
    """Write `report.html`, `summary.md` and `figures/`; gives the first two."""
    from sockproof.analysis import (  # pandas and matplotlib take their time to import
        calibration,
        frames,
    )
    from sockproof.render import figures, load_report

    reports = shelves.shelf("reports", shelf)
    run = frames.read(folder)
    page, brief = folder / "report.html", folder / "summary.md"
    try:
        drawn = figures.draw_all(run, reports, folder / figures.FOLDER)
        known = calibration.read(folder.absolute().parent)
        note = "" if known is None else calibration.sentence(known)
        text = load_report.render(run, drawn, reports / load_report.TEMPLATE, note)
        page.write_text(text, encoding="utf-8")
        brief.write_text(load_report.markdown(run), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{folder}: cannot be written: {error.strerror}") from None
    return [page, brief]
