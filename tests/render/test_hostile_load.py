"""Comparisons and searches of servers that mean harm: what is made of their strings is text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from sockproof.files import json_text
from sockproof.formats.judgements import Capacity
from sockproof.render.load import ab, capacity
from sockproof.runs.load_records import SUMMARY_FILE
from tests.analysis.samples import summary
from tests.render.load_sample import run_folder
from tests.render.sample import HOSTILE
from tests.render.test_ab import compared, judged
from tests.waiting import LIMIT

# As a file's name and JSON can hold it, and long besides.
STRANGE = HOSTILE.encode("utf-8", "replace").decode()
LONG = STRANGE + "x" * 1_000_000


def visible(text: str) -> bool:
    """Whether a text has no control character but line ends."""
    return not re.search("[\x00-\x08\x1b\x7f\x9b\u202e\ud800]", text)


def harmless(text: str) -> bool:
    """Whether there is besides nothing that a page would run."""
    return visible(text) and not re.search("<script|<img src=x", text)


class Tags(HTMLParser):
    """Collects the tags of a page, and where its pictures come from."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.found += [str(value)[:30] for name, value in attrs if name in ("src", "href")]


def test_page_of_two_strange_runs(tmp_path: Path) -> None:
    name = STRANGE.replace("/", "∕").replace("\0", "")[:80]
    a = run_folder(tmp_path / "a", text=LONG)
    b = run_folder(tmp_path / name, text=STRANGE)
    path = b / SUMMARY_FILE
    value = json.loads(path.read_text())
    value["generator"].update(fit=False, reasons=[HOSTILE])
    value["counts"]["lost"] = 3
    path.write_text(json_text(value))
    command = [sys.executable, "-m", "sockproof", "compare", str(a), str(b), "--results"]
    command.append(str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 1, done.stderr
    page = (tmp_path / "latest-compare" / "compare.html").read_text()
    assert visible(done.stdout)
    assert harmless(page)
    assert len(done.stdout) < 20_000
    assert len(page) < 1_000_000
    tags = Tags()
    tags.feed(page)
    assert set(tags.found) & {"script", "a", "iframe", "form"} == set()
    assert {each for each in tags.found if ":" in each} == {"data:image/svg+xml;base64,PD94"}
    assert "different: scenario" in page


def test_comparison_that_strange_words_ended() -> None:
    document = compared(*[(1.0, 1.0)] * 12, stopped=LONG)
    for pair in document["pairs"][:2]:
        pair["b"]["summary"] = summary(1.0, fit=False)
        pair["b"]["summary"]["generator"]["reasons"] = [LONG]
    judged(document)
    told, page = "\n".join(ab.lines(document)), ab.markdown(document)
    assert visible(told)
    assert harmless(page)
    assert len(told) < 20_000
    assert len(page) < 50_000
    assert "[link](" not in page
    assert not [line for line in page.splitlines() if line.startswith("# heading")]


def test_search_that_strange_words_ended() -> None:
    kinds = {kind: {"p99_ms": 2.0} for kind in ("ack", "delivery")}
    told = {"users": 10, "outcome": "broken", "offered_rate": 3.0, "achieved_rate": 3.0}
    probe = {**told, "heard_rate": 3.0, "lost": 0, "text": LONG, "latency": kinds}
    end = {"kept": None, "limit": 10, "why": "broken", "text": LONG, "probes": [probe]}
    begin = {"scenario": STRANGE, "objectives": ["counts.lost == 0"]}
    value = msgspec.convert({**begin, **end}, Capacity)
    lines = [*capacity.lines(value), capacity.row(value.probes[0])]
    page = capacity.markdown(value)
    assert visible("\n".join(lines))
    assert all("\n" not in line for line in lines)
    assert harmless(page)
    assert len(page) < 10_000
    assert "[link](" not in page
    assert page.count("\n") == 5
