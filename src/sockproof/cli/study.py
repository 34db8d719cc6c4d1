"""`sockproof study`: what is claimed of WebSocket and Socket.IO, measured on real servers."""

from __future__ import annotations

import json
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sockproof import __version__, files, launch, records, shelves
from sockproof.analysis.calibration import machine
from sockproof.cli.ab_runs import summary_of
from sockproof.cli.load import ended_with, find_scenario, run_scenario
from sockproof.cli.settings import CommandError
from sockproof.load_records import RUN_FILE
from sockproof.study.bench import Bench, NotMeasured
from sockproof.study.claim import Claim, Conclusion, Verdict, load_claims

FILE = "study.json"
SCHEMA = 1


def study(options: Namespace) -> int:
    """Measure each claim and write the report: 2 when one of them could not be measured."""
    shelf = shelves.shelf("study", options.shelf)
    claims = _chosen(load_claims(shelf), options.claim)
    targets = launch.load_targets(shelves.shelf("targets", options.shelf))
    folder = records.new_run_folder(options.results, "study")
    records.link_latest(folder, "study")
    bench = Bench(targets, options.quick, _load(options), lambda text: print(f"  {text}"))
    value = {
        "schema": SCHEMA,
        "sockproof": __version__,
        "started": records.now(),
        "machine": machine(),
        "quick": options.quick,
        "claims": [],
    }
    interrupted = False
    try:
        for claim in claims:
            print(f"{claim.number}: {claim.title}", flush=True)
            value["claims"].append(_measure(claim, bench))
            _store(folder, value)  # what is measured stays, whatever comes next
    except KeyboardInterrupt:
        interrupted = True
    if value["claims"]:
        _show(value, write_study(folder, options.shelf))
    if interrupted:
        return 130
    return 2 if any(each["verdict"] == Verdict.UNKNOWN for each in value["claims"]) else 0


def _chosen(claims: Sequence[Claim], numbers: Sequence[str]) -> list[Claim]:
    known = [claim.number for claim in claims]
    for number in numbers:
        if number not in known:
            raise CommandError(f"no claim {number!r}; there are {', '.join(known)}")
    return [claim for claim in claims if not numbers or claim.number in numbers]


def _measure(claim: Claim, bench: Bench) -> dict[str, Any]:
    """What a claim comes to; whatever goes wrong on the way costs this claim alone."""
    began = time.monotonic()
    found = None
    try:
        found = json.loads(json.dumps(claim.measure(bench)))
        conclusion = claim.conclude(found)
    except NotMeasured as error:
        conclusion = Conclusion(Verdict.UNKNOWN, f"Not measured: {error}", (), ())
    except Exception as error:  # a server may answer anything, and a client raise anything
        why = f"{type(error).__name__}: {error}"[:500]
        conclusion = Conclusion(Verdict.UNKNOWN, f"Not measured: {why}", (), ())
    return {
        "name": claim.name,
        "number": claim.number,
        "title": claim.title,
        "says": claim.says,
        "method": claim.method,
        "seconds": round(time.monotonic() - began, 1),
        "verdict": str(conclusion.verdict),
        "sentence": conclusion.sentence,
        "head": list(conclusion.head),
        "rows": [list(row) for row in conclusion.rows],
        "found": found,
    }


def _load(options: Namespace) -> Any:
    def load(
        scenario: str, url: str, pid: int, *, users: int, spawn_rate: float, run_time: str,
        more: Sequence[str],
    ) -> dict[str, Any]:  # fmt: skip
        run = Namespace(
            scenario=scenario,
            shelf=options.shelf,
            users=users,
            spawn_rate=spawn_rate,
            run_time=run_time,
            processes=1,
            more=list(more),
        )
        with tempfile.TemporaryDirectory(prefix="sockproof-") as name:
            folder = Path(name)
            with (folder / "locust.log").open("w+", encoding="utf-8") as log:
                code, cut = run_scenario(run, find_scenario(run), url, folder, pid, log)
                if cut:
                    raise KeyboardInterrupt
                if not (folder / RUN_FILE).exists():
                    log.seek(0)
                    last = (log.read().strip().splitlines() or ["it printed nothing"])[-1]
                    raise NotMeasured(f"Locust {ended_with(code)}: {last}")
            return summary_of(folder, fresh=True)

    return load


def _store(folder: Path, value: dict[str, Any]) -> None:
    files.write(folder / FILE, files.json_text(value), durable=True)


def _show(value: dict[str, Any], written: Sequence[Path]) -> None:
    from sockproof.render.study import headline, line  # matplotlib takes its time to import

    print()
    for claim in value["claims"]:
        print(line(claim))
    print(f"\n{headline(value)}")
    for path in written:
        print(f"report: {path}")


def is_study(folder: Path) -> bool:
    """Whether a run folder is a study's, whole or not."""
    return files.is_there(folder / FILE)


def write_study(folder: Path, shelf: Path | None) -> list[Path]:
    """Write `study.html`, `study.md` and `figures/` from `study.json`; may raise."""
    from sockproof.render import figures, study  # matplotlib takes its time to import

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
