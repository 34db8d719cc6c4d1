"""A made-up run, written and read back as a real one is; small, large or hostile as asked.

Run as a program it writes the pages of such runs into a folder, to be looked at in a browser:
`python tests/render/sample.py FOLDER`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sockproof.runs.records import CaseRecord, RunWriter, WireEntry, read_run

REPORTS = Path(__file__).parents[2] / "reports"

HOSTILE = (
    "<script>alert(1)</script></script><img src=x onerror=alert(1)>"
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\0\ud800 \u202egnp.exe "
    "| `code` ``` *bold* [link](http://evil.example) @someone ]]> & &lt; {{ 7*7 }} {% raw %}"
    "\r\n\n# heading\n</pre></details>\ufffe"
)

REQUIREMENTS = {
    "rfc6455-5.5-unfragmented": {
        "document": "RFC 6455",
        "section": "5.5",
        "level": "MUST",
        "text": "A control frame is never fragmented; a fragmented one fails the connection.",
        "broken": "answers fragmented control frames",
    },
    "rfc6455-5.5.2-pong": {
        "document": "RFC 6455",
        "section": "5.5.2",
        "level": "MUST",
        "text": "A ping is answered by a pong that carries the same application data.",
        "broken": "loses what a ping carries",
        "harms": "data",
    },
    "rfc6455-5.5.3-latest": {
        "document": "RFC 6455",
        "section": "5.5.3",
        "level": "MAY",
        "text": "Of several pings that wait, only the latest may be answered.",
    },
    "rfc6455-7.1.7-fail": {
        "document": "RFC 6455",
        "section": "7.1.7",
        "level": "SHOULD",
        "text": "A Close frame with a fitting code goes before the connection is dropped.",
    },
    "socketio-connect-sid": {
        "document": "Socket.IO v5",
        "section": "Connection to a namespace",
        "level": "DESCRIBED",
        "text": "The answer to CONNECT carries the sid of the socket in its namespace.",
    },
    "rooms-members-only": {
        "document": "Rooms",
        "section": "R2",
        "level": "DESCRIBED",
        "text": "An event to a room reaches every member of it and nobody else.",
    },
    "rooms-memory": {
        "document": "Rooms",
        "section": "R30",
        "level": "SHOULD",
        "text": "A room that is empty takes no memory.",
    },
}


def wire(count: int = 6, text: str = "PING 'first' [5 octets, continues]") -> list[WireEntry]:
    """A wire log: opening handshake, then frames; the last one is cut."""
    head = b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nAuthorization: ********\r\n\r\n"
    answer = b"HTTP/1.1 101 Switching Protocols\r\nServer: Python/3.11 websockets/15.0\r\n\r\n"
    entries = [
        WireEntry(1, 180_000, "sent", head, False, len(head), "GET /chat HTTP/1.1"),
        WireEntry(1, 1_420_000, "received", answer, False, len(answer), "101 Switching Protocols"),
    ]
    for number in range(count - 2):
        direction = "sent" if number % 2 == 0 else "received"
        octets = bytes([0x09, 0x85, 0x37, 0xFA, 0x21, 0x3D]) + bytes(range(number % 40))
        entries.append(
            WireEntry(1 + number % 2, 2_000_000 + number * 310_000, direction, octets,
                      False, len(octets), text)
        )  # fmt: skip
    entries.append(WireEntry(1, 9_900_000, "received", b"\x82\x7f" * 128, True, 70_010, "BINARY"))
    return entries


def rerun(case_id: str) -> str:
    """The command of a case, as the runner writes it."""
    return f"sockproof conformance ws://127.0.0.1:8765/chat --case '{case_id}'"


def case(case_id: str, requirement: str, outcome: str = "PASS", **fields: Any) -> CaseRecord:
    """A record with everything that is not given made up."""
    level = REQUIREMENTS[requirement]["level"]
    values: dict[str, Any] = {"seconds": 0.0042, "rerun": rerun(case_id), "wire": wire()}
    return CaseRecord(case_id, requirement, level, outcome, **{**values, **fields})


KNOWN = {
    "file": "conformance/expectations/websockets.toml",
    "reason": "The library drops the connection before its Close frame has left.",
    "sometimes": False,
}


def cases() -> list[CaseRecord]:
    """One case of each kind."""
    control = "websocket/control"
    return [
        case(
            f"{control}/ping_is_answered[empty]",
            "rfc6455-5.5.2-pong",
            autobahn=["2.1"],
            notes=["max_message: at least 16777216 octets, none declared"],
        ),
        case(f"{control}/ping_is_answered[text,125]", "rfc6455-5.5.2-pong", autobahn=["2.2"]),
        case(
            f"{control}/fragmented_ping_fails_the_connection",
            "rfc6455-5.5-unfragmented",
            "FAIL",
            summary="the connection goes on",
            expected="the connection failed: CLOSE 1002",
            got="PONG 'firstsecond' [11 octets]",
        ),
        case(
            f"{control}/only_the_latest_ping_is_answered",
            "rfc6455-5.5.3-latest",
            "NON_STRICT",
            expected="one PONG for each PING",
            got="one PONG for three PINGs",
        ),
        case(
            "websocket/closing/close_frame_before_the_connection_is_dropped",
            "rfc6455-7.1.7-fail",
            "FAIL",
            expected="CLOSE 1002",
            got="the server closed the TCP connection",
        ),
        case(
            "websocket/closing/bad_close_code_is_refused[999]",
            "rfc6455-5.5-unfragmented",
            "FAIL",
            expected="CLOSE 1002",
            got="the server reset the TCP connection",
            expectation=KNOWN,
        ),
        case(
            "websocket/push/every_pushed_message_arrives",
            "rfc6455-5.5.2-pong",
            "UNSUPPORTED",
            summary="the target's profile lacks push",
            wire=[],
        ),
        case("socketio/connect/answer_carries_a_sid", "socketio-connect-sid"),
        case(
            "rooms/members/event_reaches_its_members_and_nobody_else",
            "rooms-members-only",
            "INCONCLUSIVE",
            summary="the third client could not connect",
            expected="101 Switching Protocols",
            got="nothing in 5 s",
        ),
    ]


HEADER: dict[str, Any] = {
    "sockproof": "0.1.0",
    "target": "ws://127.0.0.1:8765/chat",
    "server": "Python/3.11 websockets/15.0",
    "started": "2026-01-02T03:04:05.678Z",
    "suites": ["websocket", "rooms"],
    "requirements": REQUIREMENTS,
    "coverage": {
        "with_case": [name for name in REQUIREMENTS if name != "rooms-memory"],
        "without_case": ["rfc6455-9.9-extensions"],
        "untestable": {"rooms-memory": "What a process holds is not seen on the wire."},
    },
}

STALE = {
    "case": "websocket/framing/echo[text,65536]",
    "file": "conformance/expectations/websockets.toml",
    "reason": "Long messages came back in two.",
}

FINISH: dict[str, Any] = {
    "seconds": 4.2,
    "exit_code": 1,
    "stale_expectations": [STALE],
    "server_log": "INFO listening on 127.0.0.1:8765\nERROR \x1b[31mboom\x1b[0m <b>x</b>\n",
}


def write_run(path: Path, also: dict[str, Any] | None = None) -> None:
    """A `run.jsonl` with a line of each kind; that of what was concluded, where it is given."""
    with RunWriter(path) as writer:
        writer.header(HEADER)
        for record in cases():
            writer.case(record)
        writer.revise(0, {"outcome": "FAIL", "got": "another"})
        writer.finish(FINISH)
        if also is not None:
            writer.also(also)


def run(records: list[CaseRecord], finish: dict[str, Any] | None, **header: Any) -> dict[str, Any]:
    """The report of a run of these records; no `finish` is a run that was killed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        with RunWriter(path) as writer:
            writer.header(HEADER | header)
            for record in records:
                writer.case(record)
            if finish is not None:
                writer.finish(finish)
        return read_run(path)


def sample() -> dict[str, Any]:
    """A run with one case of each kind."""
    return run(cases(), FINISH)


def clean() -> dict[str, Any]:
    """A run in which all is well."""
    good = [record for record in cases() if record.outcome in ("PASS", "UNSUPPORTED")]
    return run(good, {"seconds": 1.5, "exit_code": 0})


def hostile() -> dict[str, Any]:
    """A run in which everything that can come from a server, or be long, is hostile."""
    long = "A" * (1 << 20)
    records = [
        case(
            f"websocket/control/case_{number}[{HOSTILE}]",
            "rfc6455-5.5-unfragmented",
            outcome,
            summary=HOSTILE,
            expected=HOSTILE + long,
            got=long + HOSTILE,
            rerun=HOSTILE,
            expectation={"file": HOSTILE, "reason": HOSTILE, "sometimes": True} if known else None,
            autobahn=[HOSTILE],
            notes=[HOSTILE + long],
            wire=wire(12, HOSTILE + long),
        )
        for number, (outcome, known) in enumerate(
            [("FAIL", False), ("FAIL", True), ("NON_STRICT", False), ("INCONCLUSIVE", False),
             ("UNSUPPORTED", False), ("PASS", False)]
        )
    ]  # fmt: skip
    finish = FINISH | {
        "server_log": HOSTILE + long,
        "stale_expectations": [dict.fromkeys(("case", "file", "reason"), HOSTILE)],
    }
    return run(records, finish, server=HOSTILE, target="ws://h/?q=" + HOSTILE)


def large(count: int = 400, lines: int = 10) -> dict[str, Any]:
    """A run of many cases, each with that many lines of wire log; a few fail."""
    names = list(REQUIREMENTS)
    kinds = ["PASS"] * 17 + ["NON_STRICT", "UNSUPPORTED", "FAIL"]
    records = [
        case(
            f"websocket/file_{number // 25}/the_server_does_what_sentence_{number}_says",
            names[number % len(names)],
            kinds[number % len(kinds)],
            expected="CLOSE 1002",
            got="PONG",
            wire=wire(lines - 1),
        )
        for number in range(count)
    ]
    return run(records, FINISH)


def crowded(count: int) -> dict[str, Any]:
    """A run with very many of all that there can be."""
    names = [f"rfc0-{n}" for n in range(count)]
    about = {
        name: {
            "document": "RFC 0", "section": name, "level": "MUST", "text": f"Sentence {name}. " * 9
        }
        for name in names
    }  # fmt: skip
    kinds = ["FAIL"] * 3 + ["NON_STRICT", "INCONCLUSIVE", "UNSUPPORTED"]
    records = []
    for n, name in enumerate(names):
        record = case(
            f"websocket/f/case_{n}",
            "rfc6455-5.5-unfragmented",
            kinds[n % len(kinds)],
            expected=f"cause {chr(97 + n % 26)}{n}",
            got=f"came {chr(97 + n % 26)}{n}",
            notes=[f"note {n}"],
            wire=[],
            rerun="sockproof conformance " + "x" * 300,
            expectation={**KNOWN, "reason": f"reason {n}"} if n % 7 == 0 else None,
            aside={"kind": "follows", "of": name, "text": f"text {n}"} if n % 11 == 0 else None,
        )
        record.requirement = name
        records.append(record)
    finish = FINISH | {"stale_expectations": [STALE] * count, "remarks": ["r"] * 50}
    return run(records, finish, requirements=about)


if __name__ == "__main__":
    import sys

    from sockproof.render.conformance import html

    into = Path(sys.argv[1])
    template = REPORTS / "conformance.html.j2"
    made = {"sample": sample(), "clean": clean(), "hostile": hostile(), "large": large()}
    made["crowded"] = crowded(120)
    made["killed"] = run(cases()[:3], None)
    made["unreachable"] = run(
        [], {"seconds": 0.1, "exit_code": 2, "problem": "127.0.0.1:1 refused the connection"}
    )
    for name, report in made.items():
        page = html.render(report, template)
        (into / f"{name}.html").write_text(page, encoding="utf-8")
    listed = [html.IndexEntry(name, f"{name}.html", report) for name, report in made.items()]
    page = html.index(listed, REPORTS / "conformance-index.html.j2")
    (into / "index.html").write_text(page, encoding="utf-8")
