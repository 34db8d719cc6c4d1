"""Markdown for a step summary: bounded, and no text of a server becomes structure."""

from __future__ import annotations

import re

from sockproof.render.conformance import markdown
from tests.render import sample

GOLDEN = """\
## ❌ Fails 1 of 5 requirements

Target: <code>ws&#58;&#47;&#47;127&#46;0&#46;0&#46;1&#58;8765&#47;chat</code>, identifies as \
<code>Python&#47;3&#46;11 websockets&#47;15&#46;0</code><br>
9 cases in 4.2 s, sockproof 0&#46;1&#46;0, 2026-01-02T03&#58;04&#58;05&#46;678Z

* 1 expectation no longer holds
* 1 known deviation, as expected
* 1 case could not be set up
* 1 recommendation not followed
* 1 case allowed but not strict

| suite | PASS | NON-STRICT | FAIL | UNSUPPORTED | INCONCLUSIVE |
|---|--:|--:|--:|--:|--:|
| websocket | 2 | 1 | 3 | 1 | 0 |
| socketio | 1 | 0 | 0 | 0 | 0 |
| rooms | 0 | 0 | 0 | 0 | 1 |
| **all** | **3** | **1** | **3** | **1** | **1** |

Requirements with a case: RFC 6455 4 of 5; Socket&#46;IO v5 1 of 1; Rooms 1 of 2.
"""


def test_it_begins_with_verdict_and_counts() -> None:
    assert markdown.render(sample.sample()).startswith(GOLDEN)


def test_an_unexpected_failure_is_told_in_full_and_an_expected_one_shortly() -> None:
    text = markdown.render(sample.sample())
    assert "expected  the connection failed: CLOSE 1002\n" in text
    assert "got       PONG 'firstsecond' [11 octets]\n" in text
    assert "repeat    sockproof conformance ws://127.0.0.1:8765/chat --case" in text
    assert "bad&#95;close&#95;code" in text
    assert text.count("<details>") == text.count("</details>") == 3
    assert "<summary>FAIL answers fragmented control frames (RFC 6455 5&#46;5): 1 case</sum" in text
    assert "1 case FAIL: The library drops the connection" in text


def test_hostile_text_is_never_structure() -> None:
    text = markdown.render(sample.hostile())
    for line in text.split("\n"):
        if not line.startswith(("<pre>expected", "got", "repeat", " ")):  # what stands in a <pre>
            assert "alert(1)" not in line
            assert "](" not in line
            assert "@someone" not in line
            assert "```" not in line
    tags = set(re.findall(r"<[^>]*>", text))
    names = ("code", "details", "summary", "pre")
    assert tags == {"<br>", *(f"<{name}>" for name in names), *(f"</{name}>" for name in names)}
    assert re.search("[\0\x1b\x9b\ud800-\udfff\u202e]", text) is None
    for row in (line for line in text.split("\n") if line.startswith("| ")):
        assert row.count("|") == 7


def test_a_library_whose_faults_they_are_is_proposed() -> None:
    report = sample.sample()
    report["proposal"] = {"expect": "lib", "title": "*lib*", "known": 4, "faults": 5}
    assert "**4 of 5 faults are known faults of &#42;lib&#42;&#58; add --expect lib**" in (
        markdown.render(report)
    )


def test_it_always_fits() -> None:
    crowded = sample.crowded(900)
    for case in crowded["cases"]:
        case["got"] = sample.HOSTILE * 20
    text = markdown.render(crowded)
    assert 32 * 1024 < len(text.encode()) <= 64 * 1024
    assert re.search(r"… and \d+ more, which the HTML and JSON reports show", text)
    assert text.count("<pre>") == text.count("</pre>") > 5
    assert len(markdown.render(sample.hostile()).encode()) <= 64 * 1024


def test_many_suites_and_stale_expectations_fit() -> None:
    records = [
        sample.case(f"{'s' * 200}{n}/f/c", "rooms-members-only", wire=[]) for n in range(500)
    ]
    finish = sample.FINISH | {
        "stale_expectations": [dict.fromkeys(("case", "file", "reason"), "!" * 5000)] * 1000
    }
    assert len(markdown.render(sample.run(records, finish)).encode()) <= 64 * 1024
