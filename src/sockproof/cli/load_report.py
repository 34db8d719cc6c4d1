"""The report of a load run's folder: page, figures and Markdown, written into it."""

from __future__ import annotations

from pathlib import Path

from sockproof import shelves
from sockproof.files import write
from sockproof.runs.load_records import REPORT_FILE


def write_load_report(folder: Path, shelf: Path | None) -> list[Path]:
    """Write `report.html`, `summary.md` and `figures/`; gives the first two."""
    from sockproof.analysis.statistics import calibration
    from sockproof.analysis.timeline import frames
    from sockproof.render import figures
    from sockproof.render.load import report as load_report

    reports = shelves.shelf("reports", shelf)
    run = frames.read(folder)
    page, brief = folder / REPORT_FILE, folder / "summary.md"
    drawn = figures.draw_all(run, reports, folder / figures.FOLDER)
    known = calibration.read(folder.absolute().parent)
    note = "" if known is None else calibration.sentence(known)
    write(page, load_report.render(run, drawn, reports / load_report.TEMPLATE, note))
    write(brief, load_report.markdown(run))
    return [page, brief]
