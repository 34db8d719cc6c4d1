"""The reports of a study, from what it measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockproof import files, shelves
from sockproof.formats.judgements import Study

if TYPE_CHECKING:
    from sockproof.study.claim import Claim

FILE = "study.json"
SCHEMA = 1


def is_study(folder: Path) -> bool:
    """Whether a run folder is a study's, whole or not."""
    return files.is_there(folder / FILE)


def write_study(folder: Path, shelf: Path | None) -> list[Path]:
    """Write `study.html`, `study.md` and `figures/` from `study.json`; may raise."""
    from sockproof.render import figures, study  # matplotlib takes its time to import
    from sockproof.study.claim import load_claims  # and so do the clients that claims measure with

    value = _stored(folder / FILE)
    known = {claim.name: claim for claim in load_claims(shelves.shelf("study", shelf))}
    reports = shelves.shelf("reports", shelf)
    page, brief = folder / "study.html", folder / "study.md"
    place = folder / figures.FOLDER
    files.make_folder(place)
    drawn = [
        figures.draw_one(_figure(each, known.get(each["name"])), each["found"], place)
        for each in value["claims"]
    ]
    files.write(page, study.render(value, drawn, reports / study.TEMPLATE))
    files.write(brief, study.markdown(value))
    return [page, brief]


def _figure(stored: dict[str, Any], claim: Claim | None) -> Any:
    from sockproof.render.figures import FigureFile

    def draw(found: Any) -> Any:
        return None if claim is None or found is None else claim.draw(found)

    caption = "" if claim is None else claim.caption
    nothing = "there is nothing to draw"
    return FigureFile(stored["name"], stored["title"], caption, 0, nothing, draw)


def _stored(path: Path) -> dict[str, Any]:
    """A study's file, whole; raises `FileError`."""
    value = files.read_json(path, dict[str, Any], 16 * files.MIB)
    try:
        files.checked(value, Study)
    except ValueError as error:
        raise files.FileError(f"{path}: {error}") from None
    return value
