"""What a load run's summary means: nothing that nobody judged is a success."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.render.load_summary import headline, lines, verdict
from sockproof.vocabulary import PROPERTIES


def summary(fit: bool = True, emitted: int = 50, **verdicts: bool) -> dict[str, Any]:
    """A summary with these verdicts; all else was not exercised."""
    counts = dict.fromkeys(PROPERTIES, 0) | {
        name: 3 for name, holds in verdicts.items() if not holds
    }
    return {
        "counts": counts | {"emitted": emitted},
        "properties": {
            name: {"verdict": verdicts.get(name, "not exercised"), "exercised": 0}
            for name in PROPERTIES
        },
        "generator": {"fit": fit, "reasons": []},
    }


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        (summary(lost=True, broken=True), 0, "Nothing lost, broken"),
        (summary(), 2, "No property was exercised"),
        # Messages were sent, and nothing was heard of them: that connections held says nothing.
        (summary(broken=True), 2, "No property was exercised"),
        (summary(broken=True, emitted=0), 0, "Nothing broken"),
        (summary(broken=False), 1, "Violations: 3 broken"),
        (summary(fit=False, broken=False), 1, "Violations: 3 broken"),
        (summary(lost=True, forged=False), 1, "Violations: 3 forged"),
        (summary(fit=False, lost=True), 2, "Not fit to judge:"),
    ],
)
def test_verdict_and_headline(told: dict[str, Any], code: int, said: str) -> None:
    assert (verdict(told), headline(told)) == (code, said)


def test_what_counts_for_nothing_is_told_where_there_is_any() -> None:
    told = summary(lost=True)
    names = ("connections_opened", "connect_failures", "disconnected", "acknowledged")
    told["counts"] |= dict.fromkeys((*names, "ack_timeouts", "receipts"), 0)
    told["generator"] |= {"cpu_s": 1.0, "max_rss_bytes": 1, "max_lag_ms": 1.0}
    told["generator"] |= {"offered_rate": None, "achieved_rate": None}
    empty = {"intended": {"samples": 0}}
    told["latency"] = dict.fromkeys(("ack", "delivery", "connect"), empty)
    plain = "\n".join(lines(told))
    told["counts"] |= {"late": 4, "late_acks": 5, "unrecorded": 6, "doubled_acks": 7}
    more = "\n".join(lines(told))
    for text in ("4 received, 5 acknowledgements", "6 received of which", "7 doubled"):
        assert text not in plain
        assert text in more
