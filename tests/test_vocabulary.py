"""Each word that files, rules and pages share is spelt in one module.

What counts as spelling: a string that is the word, or a path that ends with it
(`counts.lost`); a key of `dict(…)`; a field of a class. An attribute such as `recorder.receipts`
is none: mypy knows that it is one of `Counters`, and refuses a word that is not.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import sockproof
from sockproof.load.record.counters import Counters
from sockproof.vocabulary import (
    COUNTS,
    FORMER,
    PROCESS,
    Counter,
    Gauge,
    Property,
    renamed,
    renamed_metric,
)

SOURCES = Path(sockproof.__file__).parent
VOCABULARY = SOURCES / "vocabulary.py"
# Words that mean something else there.
OTHERS = {
    ("formats/judgements.py", "broken"): "an outcome of a load",
    ("formats/judgements.py", "lost"): "a field of a load's record",
    ("formats/load.py", "withheld"): "a field of the generator's record",
    ("formats/load.py", "unrecorded"): "records that could not be written",
    ("conformance/context/outcome.py", "broken"): "a requirement",
    ("formats/tables.py", "broken"): "what is said of who breaks a requirement",
    ("conformance/shelf/requirements.py", "broken"): "what is said of who breaks a requirement",
    ("conformance/running/run.py", "broken"): "the same",
    ("conformance/trials/trial.py", "broken"): "the same",
    ("load/users/namespaces.py", "disconnected"): "what a server did to a namespace",
    ("load/users/namespaces.py", "refused"): "the same",
    ("load/record/due.py", "due"): "a module",
    ("formats/load.py", "due"): "a field of what is told of messages without a stamp",
    ("analysis/delivery/findings.py", "due"): "the same",
    ("load/messages/matching.py", "refused"): "what matches a refusal",
    ("formats/load.py", "outages"): "a field of the summary",
    ("analysis/gates/gate.py", "outages"): "the same",
    ("load/locust/options.py", "live"): "a name of a view",
    ("cli/demo.py", "receipts"): "a column",
    ("demo/bugs.py", "leaked"): "a bug",
    ("load/metrics/families.py", "lost"): "a process that is not heard of any more",
    ("runs/breakdown.py", "lost"): "a label",
    ("load/net/opening_handshake.py", "refused"): "a reason",
    ("load/reference/socketio.py", "refused"): "the same",
    ("load/record/live.py", "lost"): "a process that is not heard of any more",
    ("load/record/live_rows.py", "lost"): "the same",
    ("load/reference/client.py", "broken"): "what is called when a client is",
    ("load/locust/schedule.py", "live"): "a turn that goes on",
    ("render/load/capacity.py", "broken"): "an outcome of a load",
    ("render/conformance/causes.py", "broken"): "what is said of who breaks a requirement",
    ("render/load/gate.py", "broken"): "a rule",
    ("render/conformance/junit.py", "broken"): "what is said of who breaks a requirement",
    ("formats/report.py", "broken"): "the same",
}


def spelt(tree: ast.Module) -> Iterator[str]:
    """Whatever may be a word, in one module."""
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield text.rpartition(".")[2]
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                yield from (each.arg for each in keywords if each.arg)
            case ast.ClassDef(body=body):
                for each in body:
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                        yield each.target.id


def test_each_counter_is_spelt_in_one_module() -> None:
    elsewhere = set()
    for path in SOURCES.rglob("*.py"):
        where = path.relative_to(SOURCES).as_posix()
        if path == VOCABULARY or where.startswith("shelf/"):
            continue
        found = {word for word in spelt(ast.parse(path.read_text())) if word in {*Counter}}
        elsewhere |= {(where, word) for word in found}
    assert elsewhere == set(OTHERS)


def test_attributes_that_are_counted_up_are_the_counters_of_a_process() -> None:
    named = {each for each in dir(Counters()) if not each.startswith("_")}
    assert named == {*PROCESS, "counters"}
    assert Counters().counters() == dict.fromkeys(PROCESS, 0)


def test_violations_are_counted_under_the_names_of_properties() -> None:
    assert set(Property) <= set(map(str, COUNTS))
    assert all(each.label and each.unit and each.help.endswith(".") for each in Counter)


def test_former_names_are_read() -> None:
    assert renamed({"emits": 1, "cpu_seconds": 2.0, "live": 3}) == {
        Counter.EMITTED: 1,
        Gauge.CPU_S: 2.0,
        Counter.LIVE: 3,
    }
    assert renamed_metric("counts.octets_sent") == f"counts.{Counter.BYTES_SENT}"
    assert renamed_metric("generator.fit") == "generator.fit"
    assert not set(FORMER) & {*Counter, *Gauge}


def test_nothing_heavy_comes_with_the_vocabulary() -> None:
    code = "import sys; import sockproof.vocabulary; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "pandas", "msgspec", "gevent", "json"}
