"""A report under Autobahn|Testsuite's ids, in the files that wrappers around it already read.

Only what such wrappers look at is there: `index.json` with behavior, behaviorClose, duration,
remoteCloseCode and reportfile for each agent and id, and one JSON file for each id. Where
several of our cases stand for one id, the worst of them counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sockproof.render.text import ARROWS, short
from sockproof.wire.websocket import FrameParser, Opcode

Case = Mapping[str, Any]

_BEHAVIOR = {
    "PASS": "OK",
    "NON_STRICT": "NON-STRICT",
    "UNSUPPORTED": "UNIMPLEMENTED",
    "INCONCLUSIVE": "FAILED",
    "FAIL": "FAILED",
}
_WORST_LAST = ("PASS", "NON_STRICT", "UNSUPPORTED", "INCONCLUSIVE", "FAIL")
_LINES = 40


def files(reports: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The files by name; `reports` are the agents' names with their reports."""
    index: dict[str, dict[str, Any]] = {}
    written: dict[str, str] = {}
    for agent, report in reports:
        entries: dict[str, Any] = {}
        for autobahn_id, cases in sorted(_by_id(report).items(), key=lambda item: _key(item[0])):
            name = f"{_file_word(agent)}_case_{autobahn_id.replace('.', '_')}.json"
            worst = max(cases, key=lambda case: _WORST_LAST.index(case["outcome"]))
            entry = _entry(worst)
            entries[autobahn_id] = {**entry, "reportfile": name}
            written[name] = _json(_detail(agent, autobahn_id, worst, entry, report))
        index[agent] = entries
    return {"index.json": _json(index), **written}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _by_id(report: Mapping[str, Any]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in report["cases"]:
        for autobahn_id in case.get("autobahn") or ():
            found.setdefault(autobahn_id, []).append(case)
    return found


def _key(autobahn_id: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in autobahn_id.split("."))


def _file_word(agent: str) -> str:
    return "_".join(re.sub(r"[^a-z0-9]", " ", agent.lower()).split()) or "server"


def _entry(case: Case) -> dict[str, Any]:
    behavior = _BEHAVIOR[case["outcome"]]
    says_nothing = (case.get("aside") or {}).get("kind", "follows") != "follows"
    if says_nothing or (case["outcome"] == "PASS" and case["level"] == "MAY"):
        behavior = "INFORMATIONAL"
    return {
        "behavior": behavior,
        "behaviorClose": "FAILED" if behavior == "FAILED" else "OK",
        "duration": round(case["seconds"] * 1000),
        "remoteCloseCode": _close_code(case),
    }


def _close_code(case: Case) -> int | None:
    """The code of the last Close frame that came in the case; None without one."""
    for entry in reversed(case["wire"]):
        if entry["direction"] == "received" and entry["text"].startswith("CLOSE"):
            frames = FrameParser().feed(bytes.fromhex(entry["octets"]))
            if frames and frames[0].opcode == Opcode.CLOSE:
                code = frames[0].payload[:2]
                return int.from_bytes(code, "big") if len(code) == 2 else None
    return None


def _detail(
    agent: str, autobahn_id: str, case: Case, entry: Mapping[str, Any], report: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "agent": agent,
        "id": autobahn_id,
        **entry,
        "description": short(case["summary"], 1000),
        "expectation": short(case["expected"], 1500),
        "result": short(case["got"], 1500) or case["outcome"],
        "started": report["started"],
        "sockproof": {"case": case["id"], "outcome": case["outcome"], "rerun": case["rerun"]},
        "wirelog": [
            f"{ARROWS.get(each['direction'], '?')} {short(each['text'], 300)}"
            for each in case["wire"][:_LINES]
        ],
    }
