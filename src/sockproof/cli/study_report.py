"""The reports of a study, from what it measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockproof import files, shelves
from sockproof.errors import CommandError

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


_TEXTS = ("name", "number", "title", "says", "method", "verdict", "sentence")


def _stored(path: Path) -> dict[str, Any]:
    """A study's file, whole; raises `CommandError` and `FileError`."""
    value = files.read_json(path, dict[str, Any], 16 * files.MIB)
    try:
        texts = [claim[name] for claim in value["claims"] for name in _TEXTS]
        texts += [cell for claim in value["claims"] for row in claim["rows"] for cell in row]
        texts += [value["started"], value["machine"]["system"]]
        numbers = [value["machine"]["cpus"], *(claim["seconds"] for claim in value["claims"])]
        safe = all(claim["name"].isidentifier() for claim in value["claims"])
        whole = value["schema"] == SCHEMA and safe and "quick" in value
        whole = whole and all(isinstance(each, str) for each in texts)
        whole = whole and all(isinstance(each, int | float) for each in numbers)
        whole = whole and all(isinstance(claim["head"], list) for claim in value["claims"])
        whole = whole and all("found" in claim for claim in value["claims"])
        whole = whole and all(-1e12 < each < 1e12 for each in numbers)
        rows = [row for claim in value["claims"] for row in [claim["head"], *claim["rows"]]]
        whole = whole and all(isinstance(each, list) and len(each) < 100 for each in rows)
        whole = whole and all(
            isinstance(cell, str) for claim in value["claims"] for cell in claim["head"]
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise CommandError(f"{path} is no study of this version's")
    return value
