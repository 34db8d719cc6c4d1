"""What a terminal or a pipe is told of a run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.render.conformance.terminal import Progress
from tests.render import sample


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(
    stream: io.StringIO,
    report: dict[str, Any],
    records: list[Any],
    *written: Path,
    verbose: bool = False,
) -> str:
    with Progress(stream, verbose) as progress:
        progress.start(len(records), report["target"], report["server"])
        for record in records:
            progress.case_done(record)
        progress.finish(report, written)
    return stream.getvalue()


GOLDEN = """\
ws://127.0.0.1:8765/chat (Python/3.11 websockets/15.0): 9 cases
3 PASS, 1 NON_STRICT, 3 FAIL, 1 UNSUPPORTED, 1 INCONCLUSIVE in 4.2 s

FAIL  answers fragmented control frames (RFC 6455 5.5): 1 case
      expected the connection failed: CLOSE 1002; got PONG 'firstsecond' [11 octets]
      sockproof conformance ws://127.0.0.1:8765/chat --case \
'websocket/control/fragmented_ping_fails_the_connection'
FAIL  does not follow "A Close frame with a fitting code goes before the connection is dropped" \
(RFC 6455 7.1.7, SHOULD): 1 case
      expected CLOSE 1002; got the server closed the TCP connection
      sockproof conformance ws://127.0.0.1:8765/chat --case \
'websocket/closing/close_frame_before_the_connection_is_dropped'
NON_STRICT  instead of "only the latest ping is answered": one PONG for three PINGs \
(RFC 6455 5.5.3, MAY): 1 case
      expected one PONG for each PING; got one PONG for three PINGs
      sockproof conformance ws://127.0.0.1:8765/chat --case \
'websocket/control/only_the_latest_ping_is_answered'

known, as expected: 1 case
  1  FAIL  The library drops the connection before its Close frame has left.

inconclusive or unsupported: 2 cases
  1  INCONCLUSIVE  expected 101 Switching Protocols; got nothing in 5 s
  1  UNSUPPORTED  the target's profile lacks push

observed limits and choices:
  max_message: at least 16777216 octets, none declared

1 expectation to remove:
  websocket/framing/echo[text,65536]  in conformance/expectations/websockets.toml: \
Long messages came back in two.

report: results/x/report.html (also report.md)
Fails 1 of 5 requirements; 1 expectation no longer holds; 1 known deviation, as expected; \
1 case could not be set up; 1 recommendation not followed; 1 case allowed but not strict
"""

VERBOSE = """\
ws://127.0.0.1:8765/chat (Python/3.11 websockets/15.0): 9 cases
FAIL  websocket/control/fragmented_ping_fails_the_connection: PONG 'firstsecond' [11 octets]
FAIL  websocket/closing/close_frame_before_the_connection_is_dropped: the server closed the TCP \
connection
INCONCLUSIVE  rooms/members/event_reaches_its_members_and_nobody_else: nothing in 5 s

suite      file     PASS  NON_STRICT  FAIL  UNSUPPORTED  INCONCLUSIVE
websocket  closing     ·           ·     2            ·             ·
           control     2           1     1            ·             ·
           push        ·           ·     ·            1             ·
socketio   connect     1           ·     ·            ·             ·
rooms      members     ·           ·     ·            ·             1
all                    3           1     3            1             1

FAIL  websocket/control/fragmented_ping_fails_the_connection  (rfc6455-5.5-unfragmented, MUST)
  the connection goes on
  expected  the connection failed: CLOSE 1002
  got       PONG 'firstsecond' [11 octets]
             …  1 entry before
        1.4 ms  #1 ← 101 Switching Protocols
        2.0 ms  #1 → PING 'first' [5 octets, continues]
        2.3 ms  #2 ← PING 'first' [5 octets, continues]
        2.6 ms  #1 → PING 'first' [5 octets, continues]
        2.9 ms  #2 ← PING 'first' [5 octets, continues]
        9.9 ms  #1 ← BINARY
  repeat    sockproof conformance ws://127.0.0.1:8765/chat --case \
'websocket/control/fragmented_ping_fails_the_connection'
"""


def test_a_pipe_gets_plain_lines() -> None:
    written = (Path("results/x/report.html"), Path("results/x/report.md"))
    text = told(io.StringIO(), sample.sample(), sample.cases(), *written)
    assert "\x1b" not in text
    assert text == GOLDEN


def test_a_verbose_run_lists_its_cases_before_the_answer() -> None:
    text = told(io.StringIO(), sample.sample(), sample.cases(), verbose=True)
    assert "\n".join(line.rstrip() for line in text.split("\n")).startswith(VERBOSE)
    assert "1 known deviation, as expected:\n  FAIL  websocket/closing/bad_close_code" in text
    assert text.index("as expected:\n") < text.index("FAIL  answers fragmented control frames")


def test_a_verbose_run_tells_a_failure_when_it_happens() -> None:
    stream = io.StringIO()
    progress = Progress(stream, verbose=True)
    progress.start(9, "ws://h/")
    for record in sample.cases()[:3]:
        progress.case_done(record)
    assert stream.getvalue().split("\n")[1].startswith("FAIL  websocket/control/fragmented")


def test_a_terminal_gets_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;31mFAIL" in told(Terminal(), sample.sample(), sample.cases())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3[1-7]m", told(Terminal(), sample.sample(), sample.cases()))


def test_a_dumb_terminal_gets_no_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in told(Terminal(), sample.sample(), sample.cases())


def test_the_live_line_is_taken_away_when_the_run_breaks_off() -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress.start(3, "ws://h/")
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is back


def _hostile_records() -> Iterator[Any]:
    for outcome in ("FAIL", "INCONCLUSIVE"):
        yield sample.case(
            f"a/b/c[{sample.HOSTILE}]",
            "rooms-members-only",
            outcome,
            summary=sample.HOSTILE + "A" * (1 << 20),
        )


@pytest.mark.parametrize("verbose", [False, True])
def test_a_server_cannot_control_the_terminal(verbose: bool) -> None:
    records = list(_hostile_records())
    text = told(io.StringIO(), sample.hostile(), records, verbose=verbose)
    assert re.search("[\0\x07\x1b\x9b\r\ud800-\udfff\u202e]", text) is None
    assert "[link](http://evil.example)" in text  # rich's markup is not read
    assert len(text) < 64 * 1024


def test_a_stream_that_knows_only_ascii_is_no_reason_to_crash() -> None:
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, encoding="ascii")
    progress = Progress(stream, verbose=True)
    progress.start(9, "ws://h/")
    progress.finish(sample.sample())
    stream.flush()
    assert b"\\u2192 PING" in octets.getvalue()


def test_of_very_many_failures_a_verbose_run_tells_the_rest_on_one_line_each() -> None:
    text = told(io.StringIO(), sample.large(), [], verbose=True)
    assert text.count("  repeat ") == 30
    assert "and 10 cases more, in full in the reports:" in text


@pytest.mark.parametrize("report", [sample.crowded(1200), sample.large(3000, 2), sample.hostile()])
def test_sixty_lines_are_enough(report: dict[str, Any]) -> None:
    written = [Path(f"results/x/{name}") for name in ("report.html", "report.md", "junit.xml")]
    text = told(io.StringIO(), report, list(_hostile_records()), *written)
    assert text.count("\n") <= 60


def test_a_run_without_cases_has_a_verdict_and_no_table() -> None:
    report = sample.run([], {"seconds": 0.1, "exit_code": 2, "problem": "connection refused"})
    stream = io.StringIO()
    Progress(stream).finish(report)
    assert stream.getvalue() == "\nInconclusive: connection refused\n"
