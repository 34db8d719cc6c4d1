"""Words are for people: whatever the messages say, the verdicts are the same."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sockproof.conformance.context import case_context as context
from sockproof.conformance.context import outcome
from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.wire import WireError
from sockproof.wire.url import Address
from tests.mutants_run import PAUSE, cases, requirements
from tests.servers.socketio_server import SocketIOServer
from tests.servers.websocket_server import WebSocketServer

ROOT = Path(__file__).parents[2]
# Each accuses in another way: frames, codes, refusals, the end of TCP, what is forbidden, silence.
WEBSOCKET = (
    *("spoils-pongs", "fails-without-close", "accepts-long-ping", "masks-its-pongs"),
    *("answers-close-with-one-octet", None),
)
SOCKETIO = ("keeps-namespaces-that-were-left", "ignores-close-packets")
SILENT = ("spoils-pongs", "ignores-close-packets")  # with which cases wait their limit out
ANSWERED = 20.0  # seconds, within which the others come to their verdicts on a busy machine too
CHOSEN = {
    "websocket": [
        *("websocket/control_frames/ping_*", "websocket/control_frames/*control_frame*"),
        *("websocket/failing/any*", "websocket/close_frame/*", "websocket/masking/server_*"),
    ],
    "socketio": ["engineio/close/*", "socketio/disconnect/*", "socketio/invalid_packets/*"],
}


def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every message say something else, each its own."""
    made, found = outcome.CaseEnd.__init__, outcome.finding
    closed = outcome.StreamClosed.__init__

    def end(self: Any, expected: str, *what: Any, **more: Any) -> None:
        made(self, expected[::-1], *what, **more)
        self.got = self.got[::-1]
        self.args = (self.got,)

    def seen(expected: str, *what: Any, **more: Any) -> outcome.Finding:
        told = found(expected[::-1], *what, **more)
        return replace(told, got=told.got[::-1])

    def stream_closed(self: Any, how: str, **more: Any) -> None:
        closed(self, how[::-1], **more)

    def awaiting(self: context.CaseContext) -> str:
        return (self._awaiting or "more")[::-1]

    monkeypatch.setattr(outcome.CaseEnd, "__init__", end)
    monkeypatch.setattr(context, "finding", seen)
    monkeypatch.setattr(outcome.StreamClosed, "__init__", stream_closed)
    monkeypatch.setattr(context.CaseContext, "awaiting", property(awaiting))
    monkeypatch.setattr(WireError, "__str__", lambda self: str(self.args[0])[::-1], raising=False)


Verdicts = dict[str, tuple[object, ...]]


async def verdicts(kind: str, fault: str | None) -> tuple[Verdicts, list[CaseRecord]]:
    """What becomes of the chosen cases on a server of ours, without a word."""
    records: list[CaseRecord] = []
    serving = WebSocketServer if kind == "websocket" else SocketIOServer
    async with serving(fault=fault) as server:
        known = await introduce(Server(Address.parse(server.url)), ANSWERED)
        chosen = [c for c in cases(kind) if any(glob_matches(g, c.id) for g in CHOSEN[kind])]
        limit = 4.0 if fault in SILENT else ANSWERED
        plan = Plan([known.server], requirements(), limit=limit, jobs=8, stall=PAUSE)
        await run_cases(chosen, plan, records.append)
    told: Verdicts = {
        each.id: (
            each.outcome,
            each.requirement,
            each.seen,
            each.came,
            (each.aside or {}).get("of"),
        )
        for each in records
    }
    return told, records


@pytest.mark.parametrize(
    ("kind", "fault"),
    [*(("websocket", each) for each in WEBSOCKET), *(("socketio", each) for each in SOCKETIO)],
)
def test_no_verdict_hangs_on_a_word(
    kind: str, fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is, records = asyncio.run(verdicts(kind, fault))
    backwards(monkeypatch)
    reworded, others = asyncio.run(verdicts(kind, fault))
    assert reworded == as_it_is
    words = [
        {each.got for each in every if each.got and not each.timed_out}
        for every in (records, others)
    ]
    assert not fault or words[0]
    assert not words[0] & words[1]


MAY = {
    "src/sockproof/load/reference/socketio.py"
}  # a library that says what is wrong in words alone
_LOOKS = {"startswith", "endswith", "search", "match", "fullmatch", "index", "find"}


def _is_told(node: ast.AST) -> bool:
    """Whether it is the text of an error, or what a record or an end says to people."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str":
        return isinstance(node.args[0], ast.Name) and node.args[0].id in ("error", "failure", "end")
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value in ("got", "expected")
    return isinstance(node, ast.Attribute) and node.attr in ("got", "expected", "how")


def _looks(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            within = [op for op in node.ops if isinstance(op, ast.In | ast.NotIn | ast.Eq)]
            sides = [node.left, *node.comparators]
            texts = [each for each in sides if isinstance(each, ast.Constant | ast.JoinedStr)]
            if within and texts and any(map(_is_told, sides)):
                yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = node.func.attr in _LOOKS
            if named and any(map(_is_told, [node.func.value, *node.args])):
                yield node


@pytest.mark.parametrize("folder", ["src/sockproof", "conformance"])
def test_nobody_reads_what_is_told_to_people(folder: str) -> None:
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name not in MAY:
            looks = _looks(ast.parse(path.read_text(encoding="utf-8")))
            found += [f"{name}:{getattr(node, 'lineno', 0)}" for node in looks]
    assert found == []
