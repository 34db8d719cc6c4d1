"""`sockproof study`, as people run it: on real servers, and on what may go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sockproof import files
from sockproof.shelves import SHELVES
from tests import sample
from tests.render.sample import HOSTILE
from tests.waiting import LIMIT, until

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "sockproof")

SMALL = """
from matplotlib.figure import Figure
from sockproof.study import Conclusion, NotMeasured, Verdict
claim, title, says, method, caption = "{number}", "A title", "It is so.", "By looking.", "Look."
order = {order}
def measure(bench):
    {measure}
def conclude(found):
    return Conclusion(Verdict.HOLDS, f"It is {{found['x']}}.", ("x [s]",), [(str(found["x"]),)])
def draw(found):
    figure = Figure()
    figure.add_subplot().plot([0, found["x"]])
    return figure
"""


def shelf(folder: Path, **measures: str) -> Path:
    """A checkout's shelves, with claims of our own."""
    for name in SHELVES:
        if name == "study":
            (folder / name).mkdir(parents=True)
        else:
            folder.mkdir(exist_ok=True)
            (folder / name).symlink_to(ROOT / name)
    for order, (name, measure) in enumerate(measures.items()):
        text = SMALL.format(number=name.upper(), order=order, measure=measure)
        (folder / "study" / f"{name}.py").write_text(text)
    return folder


def study(results: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [*COMMAND, "study", *map(str, words), "--results", str(results)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def stored(results: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((results / "latest-study" / "study.json").read_text())
    return value


HOLD = ("C1", "C9", "C11", "C12", "C14", "C20")
TIMED = ("C10", "C26")  # by what a busy machine changes
SHARE = 6  # of the claims are measured each day


@pytest.mark.parametrize("number", sample.rotating((*HOLD, *TIMED), SHARE, "claims"))
def test_claim_is_measured_on_real_servers(number: str, tmp_path: Path) -> None:
    done = study(tmp_path, "--quick", "--claim", number)
    if os.environ.get("SOCKPROOF_REQUIRE_TARGETS") == "1":
        assert done.returncode == 0, done.stdout + done.stderr
    (claim,) = stored(tmp_path)["claims"]
    if number in HOLD:
        assert claim["verdict"] == "holds", claim["sentence"]
    else:
        assert claim["rows"], claim["sentence"]
    folder = tmp_path / "latest-study"
    page = (folder / "study.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 1
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page), "nothing from outside"
    for kind in ("png", "svg"):
        assert (folder / "figures" / f"{claim['name']}.{kind}").stat().st_size > 1000


def test_claim_that_cannot_be_measured_costs_only_itself(tmp_path: Path) -> None:
    own = shelf(
        tmp_path / "shelf",
        a='raise NotMeasured("no such server here")',
        b='raise ValueError("<script>" + "x" * 10**6)',
        c='return {"x": 3}',
        d='with bench.target("nonsense"): pass',
    )
    done = study(tmp_path, "--shelf", own)
    assert done.returncode == 2
    told = {
        each["number"]: (each["verdict"], each["sentence"]) for each in stored(tmp_path)["claims"]
    }
    assert told["A"] == ("not measured", "Not measured: no such server here")
    assert told["B"][1].startswith("Not measured: ValueError: <script>")
    assert len(told["B"][1]) < 600
    assert told["C"] == ("holds", "It is 3.")
    assert told["D"][1] == "Not measured: there is no target nonsense"
    assert "4 claims; holds: 1, not measured: 3" in done.stdout
    assert "<script>" not in (tmp_path / "latest-study" / "study.html").read_text()


def test_one_claim_is_measured_alone(tmp_path: Path) -> None:
    own = shelf(tmp_path / "shelf", a='return {"x": 1}', b='return {"x": 2}')
    done = study(tmp_path, "--shelf", own, "--claim", "B")
    assert done.returncode == 0, done.stderr
    assert [each["number"] for each in stored(tmp_path)["claims"]] == ["B"]
    done = study(tmp_path, "--shelf", own, "--claim", "Z")
    assert done.returncode == 3
    assert done.stderr == "sockproof: no claim 'Z'; choose one of A, B\n"


def waits(flag: Path) -> str:
    """What a claim does that says by a file that it is there, and is to be interrupted."""
    return f"import pathlib as p, time as t; p.Path({str(flag)!r}).touch(); t.sleep(60)"


def interrupted(number: int, flag: Path, *words: str) -> str:
    """What the command prints that is ended by a signal once the flag is there."""
    with subprocess.Popen(
        [*COMMAND, "study", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        until(flag.exists)
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    return output


def test_interrupt_keeps_what_was_measured(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    own = shelf(tmp_path / "shelf", a='return {"x": 1}', b=waits(flag))
    words = ("--shelf", str(own), "--results", str(tmp_path))
    assert "1 claim; holds: 1" in interrupted(signal.SIGINT, flag, *words)
    assert [each["number"] for each in stored(tmp_path)["claims"]] == ["A"]
    assert (tmp_path / "latest-study" / "study.html").exists()


def test_interrupt_amid_a_message_ends_who_listens_meanwhile(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    own = shelf(tmp_path / "shelf")
    text = (ROOT / "study" / "full_duplex.py").read_text()
    pause = "        time.sleep(PAUSE)\n    return began"
    assert pause in text
    text = text.replace(pause, f"        {waits(flag)}\n    return began")
    (own / "study" / "c.py").write_text(text)
    words = ("--quick", "--shelf", str(own), "--results", str(tmp_path))
    assert "Traceback" not in interrupted(signal.SIGTERM, flag, *words)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small study's folder and the shelves it was made with."""
    place = tmp_path_factory.mktemp("study")
    own = shelf(place / "shelf", a='return {"x": 1}')
    assert study(place, "--shelf", own).returncode == 0
    return (place / "latest-study").resolve(), own


def report(folder: Path, own: Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "report", str(folder), "--shelf", str(own)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_report_is_written_again_from_the_folder_alone(
    measured: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(measured[0], folder)
    before = (folder / "study.html").read_bytes()
    (folder / "study.html").unlink()
    done = report(folder, measured[1])
    assert done.returncode == 0, done.stderr
    assert (folder / "study.html").read_bytes() == before


def test_strings_of_strangers_do_nothing(measured: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(measured[0], folder)
    value = json.loads((folder / "study.json").read_text())
    claim = value["claims"][0]
    for name in ("title", "says", "method", "verdict", "sentence", "number"):
        claim[name] = HOSTILE
    claim["head"] = [HOSTILE]
    claim["rows"] = [[HOSTILE], ["x" * 1_000_000]] * 10
    value["machine"]["system"] = HOSTILE
    (folder / "study.json").write_text(files.json_text(value))
    done = report(folder, measured[1])
    assert done.returncode == 0, done.stderr
    page, brief = ((folder / name).read_text() for name in ("study.html", "study.md"))
    assert len(page) < 1_000_000
    assert len(brief) <= 65_536
    for text in (page, brief):
        assert "<script" not in text
        assert "<img src=x" not in text
        assert not re.search("[\x00-\x08\x1b\x7f\x9b\u202e]", text)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("claims"),
        lambda value: value.update(schema=2),
        lambda value: value.update(claims=[1]),
        lambda value: value["claims"][0].update(name="../../evil"),
        lambda value: value["claims"][0].update(rows=[[1]]),
        lambda value: value["claims"][0].update(head=None),
        lambda value: value["claims"][0].pop("found"),
        lambda value: value["machine"].update(cpus="many"),
    ],
)
def test_damaged_study_is_one_line(
    change: Any, measured: tuple[Path, Path], tmp_path: Path
) -> None:
    value = json.loads((measured[0] / "study.json").read_text())
    change(value)
    (tmp_path / "study.json").write_text(json.dumps(value))
    done = report(tmp_path, measured[1])
    assert done.returncode == 3
    assert done.stderr.startswith(f"sockproof: {tmp_path / 'study.json'}: is invalid")
    assert done.stderr.count("\n") == 1


def test_figure_that_cannot_be_drawn_is_said(measured: tuple[Path, Path], tmp_path: Path) -> None:
    value = json.loads((measured[0] / "study.json").read_text())
    value["claims"][0]["found"] = {"x": {}}
    (tmp_path / "study.json").write_text(json.dumps(value))
    done = report(tmp_path, measured[1])
    assert done.returncode == 0, done.stderr
    assert "No figure: It could not be drawn" in (tmp_path / "study.html").read_text()
