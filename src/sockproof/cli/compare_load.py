"""`sockproof compare` of load runs: what changed, and what cannot be told."""

from __future__ import annotations

import sys
from pathlib import Path

from sockproof import files, shelves
from sockproof.analysis.summary import conditions
from sockproof.api.runner import summary_of
from sockproof.formats.judgements import Change, Compared
from sockproof.render.load.overlay import lines, render
from sockproof.runs import records
from sockproof.runs.reader import LoadRunFolder, said
from sockproof.vocabulary import MESSAGE_KINDS


def compare_load(a: list[Path], b: list[Path], results: Path, shelf: Path | None) -> int:
    """Show and draw it; 1 when B is worse, 2 when nothing can be compared."""
    from sockproof.analysis.timeline import overlay  # numpy takes its time to import
    from sockproof.render import figures
    from sockproof.render.load.overlay_figure import figure_file

    summaries = [[summary_of(folder) for folder in group] for group in (a, b)]
    runs_of_a, runs_of_b = ([LoadRunFolder(folder) for folder in group] for group in (a, b))
    found: list[Change] = []
    curves = []
    for kind in MESSAGE_KINDS:
        of_a, of_b = overlay.Group(runs_of_a, kind, 1), overlay.Group(runs_of_b, kind, 2)
        if not of_a.samples or not of_b.samples:
            continue
        found += overlay.changes(of_a, of_b, kind)
        curves.append((figure_file(kind), (overlay.curve(of_a), overlay.curve(of_b))))
    parts = overlay.parts([*summaries[0], *summaries[1]])
    in_parts: list[Change] = []
    for part in parts:
        for kind in MESSAGE_KINDS:
            key = f"{kind}{part}"
            of_a, of_b = overlay.Group(runs_of_a, key, 1), overlay.Group(runs_of_b, key, 2)
            in_parts += overlay.changes(of_a, of_b, kind, part)
    ran = [[conditions.read(folder) for folder in group] for group in (a, b)]
    before, after = (overlay.violations(each, parts) for each in summaries)
    value = Compared(
        a=[str(folder) for folder in a],
        b=[str(folder) for folder in b],
        ran={
            side: {name: conditions.values(group, name) for name in ("scenario", "target")}
            for side, group in zip("ab", ran, strict=True)
        },
        differing=conditions.differing(*ran),
        unfit=[
            str(folder)
            for folders, told in zip((a, b), summaries, strict=True)
            for folder, each in zip(folders, told, strict=True)
            if not each["generator"]["fit"] or each["generator"].get("saturated")
        ],
        violations={name: (before[name], after[name]) for name in before},
        changes=[*found, *in_parts],
    )
    for line in lines(value):
        print(line)
    folder = records.new_run_folder(results, "compare")
    records.link_latest(folder, "compare")
    page = folder / "compare.html"
    template = shelves.shelf("reports", shelf) / "compare.html.j2"
    files.write(folder / "compare.json", files.json_text(value, indent=1))
    place = folder / figures.FOLDER
    files.make_folder(place)
    pictures = [figures.draw_one(file, pair, place) for file, pair in curves]
    files.write(page, render(value, pictures, template))
    print(f"report: {page}")
    problems = [f"{run.path}: {p}" for run in (*runs_of_a, *runs_of_b) for p in run.problems]
    for problem in said(problems):
        print(f"sockproof: {problem}", file=sys.stderr)
    worse = any(after[name] > 0 and not before[name] for name in before)
    if worse:
        return 1
    if problems:  # what the latencies say may be their doing
        return 2
    if any(each.verdict == "slower" for each in found):
        return 1
    return 0 if found else 2
