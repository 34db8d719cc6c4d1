"""`sockproof site`: a static site of stored matrix runs."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.api.job import documentation
from sockproof.cli.arguments import add_shelf
from sockproof.cli.speech import warn
from sockproof.errors import CommandError, NotJudged
from sockproof.formats.judgements import Matrix
from sockproof.render.site import data, pages
from sockproof.render.site.servers import CLIENTS, History, histories, requirements
from sockproof.render.text import number
from sockproof.runs import records
from sockproof.vocabulary import DOCS_URL

EXAMPLES = """\
examples:
  sockproof site results --out public
  sockproof site results/latest-matrix older-matrix --out public"""

MOST = 256 * files.MIB
MOST_RUNS = 1000
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,100}", re.ASCII)  # of a server: it names files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "results",
        type=Path,
        nargs="+",
        metavar="RESULTS",
        help="run folder of `sockproof matrix`, or a directory that holds several",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="directory for the site"
    )
    parser.add_argument(
        "--docs-url",
        metavar="URL",
        help="documentation site to link requirements to in pages (default: sockproof's)",
    )
    add_shelf(parser)


def site(options: Namespace) -> int:
    """Write the site; 2 when there is no run of any server."""
    url = options.docs_url or documentation()
    if url is not None and re.fullmatch(DOCS_URL, url) is None:
        raise CommandError(f"--docs-url must begin with https://, http:// or file://, not {url!r}")
    folders = _folders(options.results)
    matrices = [_matrix(folder) for folder in folders]
    servers = histories(matrices)
    if not servers:
        raise NotJudged("the runs have no server that was checked to its end")
    about = requirements(matrices)
    out: Path = options.out
    shelf = shelves.shelf("reports", options.shelf)
    for name in {each.of for each in servers} | {"badges"}:
        files.make_folder(out / name)
    for each in servers:
        evidence = _Evidence(each, folders)
        page = pages.server(
            each, about, evidence.of, shelf / "site-server.html.j2", url, __version__
        )
        files.write(out / f"{each.page}.html", page)
        title = f"{each.name}: what changed"
        latest = each.now.started
        feed = data.feed(each.steps(), title, f"{each.page}.xml", latest)
        files.write(out / f"{each.page}.xml", feed)
        for suite, badge in data.badges(each, about).items():
            files.write(
                out / "badges" / f"{data.badge_name(each, suite)}.json", files.json_text(badge)
            )
    steps = [step for each in servers for step in each.steps()]
    latest = data.updated(servers)
    files.write(out / "feed.xml", data.feed(steps, "What changed", "feed.xml", latest))
    found = data.results(servers, about, __version__)
    files.write(out / "results.json", files.json_text(found))
    index = pages.index(servers, about, shelf / "site.html.j2", url, __version__)
    files.write(out / "index.html", index)
    clients = sum(each.of == CLIENTS for each in servers)
    told = number(len(servers) - clients, "server")
    told += f", {number(clients, 'client')}" if clients else ""
    told += f", {number(len(about), 'requirement')}"
    print(f"site: {out / 'index.html'} ({told}, {number(len(folders), 'run')})")
    return 0


def _folders(given: Iterable[Path]) -> list[Path]:
    """The folders of the matrix runs, each once."""
    found: dict[Path, None] = {}
    for path in given:
        if (path / "matrix.json").is_file():
            inside = [path]
        elif path.is_dir():
            inside = sorted(each.parent for each in path.glob("*/matrix.json"))
        else:
            raise CommandError(f"{path}: there is no such directory")
        if not inside:
            raise CommandError(f"{path}: holds no run of `sockproof matrix`")
        found.update(dict.fromkeys(each.resolve() for each in inside))
    if len(found) > MOST_RUNS:
        raise CommandError(f"there are {len(found):,} runs, more than {MOST_RUNS:,}")
    return list(found)


def _matrix(folder: Path) -> Matrix:
    path = folder / "matrix.json"
    matrix = files.read_json(path, Matrix, MOST)
    for column in matrix.columns:
        if _NAME.fullmatch(column.name) is None:
            raise files.FileError(f"{path}: {column.name[:100]!r} cannot be the name of a server")
        if column.interrupted:
            warn(f"{path}: {column.name} was interrupted, and is left out")
    for row in matrix.rows:
        if _NAME.fullmatch(row.case.partition("/")[0]) is None:
            raise files.FileError(f"{path}: {row.case[:100]!r} cannot be the id of a case")
    return matrix


class _Evidence:
    """The cases of a server's stored runs, the latest first."""

    def __init__(self, server: History, folders: Sequence[Path]) -> None:
        self._runs = [folders[version.place] / server.name for version in reversed(server.versions)]
        self._read: dict[Path, dict[str, Mapping[str, Any]]] = {}

    def of(self, case_id: str) -> Mapping[str, Any] | None:
        """A case as the latest run has it."""
        for folder in self._runs:
            if folder not in self._read:
                self._read[folder] = self._cases(folder)
            if case_id in self._read[folder]:
                return self._read[folder][case_id]
        return None

    def _cases(self, folder: Path) -> dict[str, Mapping[str, Any]]:
        if not folder.is_dir():
            return {}
        try:
            return {case["id"]: case for case in records.read_run(folder)["cases"]}
        except (files.FileError, NotJudged) as error:
            warn(f"{error}; its evidence is left out")
            return {}
