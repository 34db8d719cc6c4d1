"""The report of a load run's folder: page, figures and Markdown, written into it."""

from __future__ import annotations

from pathlib import Path

from sockproof import files, shelves
from sockproof.files import write
from sockproof.formats.judgements import Gate
from sockproof.runs.load_records import GATE_FILE, REPORT_FILE


def write_load_report(folder: Path, shelf: Path | None, png: bool = False) -> list[Path]:
    """Write `report.html`, `summary.md` and `figures/`; gives the first two.

    The page has the figures as SVG. As PNG they are drawn a second time, for those who ask.
    """
    from sockproof.analysis.statistics import calibration
    from sockproof.analysis.timeline import frames
    from sockproof.render import figures
    from sockproof.render.load import report as load_report

    reports = shelves.shelf("reports", shelf)
    run = frames.read(folder)
    page, brief = folder / REPORT_FILE, folder / "summary.md"
    drawn = figures.draw_all(run, reports, folder / figures.FOLDER, png)
    known = calibration.read(folder.absolute().parent)
    note = "" if known is None else calibration.sentence(known)
    template = reports / load_report.TEMPLATE
    write(page, load_report.render(run, drawn, template, note, _gate(folder)))
    write(brief, load_report.markdown(run))
    return [page, brief]


def _gate(folder: Path) -> Gate | None:
    """What came of the rules; None where there were none, or nobody can read it."""
    path = folder / GATE_FILE
    if not files.is_there(path):
        return None
    try:
        return files.read_json(path, Gate, 16 * files.MIB)
    except files.FileError:
        return None
