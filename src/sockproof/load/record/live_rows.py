"""The rows of the tab: what numbers of `live` mean, in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sockproof.load.record.live import COUNTS, SPANS
from sockproof.runs.breakdown import By
from sockproof.vocabulary import LABELS, MAX_MS, MESSAGE_KINDS, P50, P90, P99, VIOLATIONS, Counter

_NOT_KNOWN = "–"
_OURS = ("Generator", "Target")
MOST_PARTS = 20  # messages, and classes, that have a row
_PHASES = {
    "ramp": "ramp-up: the measured part has not begun",
    "measured": "the measured part",
    "drain": "drain: waiting for messages in flight",
    "over": "over",
}
_AT_THE_END = tuple(each for each in VIOLATIONS if each not in COUNTS)
_LATER = (  # in the place of their rows
    "Not known yet",
    f"{', '.join(each.label for each in _AT_THE_END)}: counted when the run is over",
)
_ROWS = (  # what, unit, key, remark
    ("Time", "s", "seconds", ""),
    ("Live connections", "connections", Counter.LIVE, ""),
    ("Opened", "connections", Counter.CONNECTIONS_OPENED, ""),
    ("Connect failures", "connections", Counter.CONNECT_FAILURES, ""),
    ("Disconnects", "connections", Counter.DISCONNECTED, "not requested by the client"),
    ("Offered rate", "messages/s", "offered_rate", "sends that were due"),
    ("Achieved rate", "messages/s", "achieved_rate", "sends that were made"),
    (
        "Withheld sends",
        "messages",
        Counter.WITHHELD,
        "acknowledgements or connections were missing",
    ),
    ("Emits", "messages", Counter.EMITTED, ""),
    ("Receipts", "messages", Counter.RECEIPTS, ""),
    ("Fan-out", "receipts/emit", "receipts_per_emit", ""),
    *(
        (f"{kind.label} latency, {LABELS[key]}", "ms", f"{kind}_{key}", remark)
        for kind in MESSAGE_KINDS
        for key, remark in (
            (P50.ms, "since the message was due; needs 20 samples"),
            (P90.ms, "needs 100 samples"),
            (P99.ms, "needs 1,000 samples"),
            (MAX_MS, ""),
        )
    ),
    (
        "Corrupted",
        Counter.CORRUPTED.unit,
        Counter.CORRUPTED,
        "the body differs from what was sent",
    ),
    (
        "Unreadable",
        Counter.UNREADABLE.unit,
        Counter.UNREADABLE,
        "no stamp, or an altered one",
    ),
    ("Acknowledgement time-outs", "messages", Counter.ACK_TIMEOUTS, ""),
    (
        "Wrong acknowledgements",
        "acknowledgements",
        Counter.MISACKNOWLEDGED,
        "stray, early, doubled, or of another client",
    ),
    *((each.label.capitalize(), each.unit, each, "") for each in _AT_THE_END),
    ("Generator: CPU", "% of a core", "cpu_percent", "of the busiest process"),
    ("Generator: lag", "ms", "lag_ms", "worst of any process"),
    ("Generator: memory", "MiB", "rss_mib", "of all processes; peak since the start"),
    ("Target: CPU", "% of a core", "target_cpu_percent", ""),
    ("Target: memory", "MiB", "target_rss_mib", "peak since the start"),
)


def rows(numbers: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tab's rows. None has a `name`: Locust's page would sort them by it."""
    verdict = numbers.get("verdict")
    found = {} if verdict is None else verdict.get("counts", {})
    told = [
        {
            "what": what,
            "unit": unit,
            **{span: _text(numbers[span].get(key)) for span in SPANS},
            **({"start": _text(found[key])} if key in found else {}),
            "remark": "" if key in found else remark,
        }
        for what, unit, key, remark in _ROWS
        if not key.startswith("target") or numbers["start"][key] is not None
        if key not in _AT_THE_END or key in found
    ]
    if not found:
        what, remark = _LATER
        later = {"what": what, "unit": "", **dict.fromkeys(SPANS, _NOT_KNOWN), "remark": remark}
        told.insert(len(told) - sum(each["what"].startswith(_OURS) for each in told), later)
    told[0]["remark"] = str(_PHASES.get(numbers["phase"], "no run yet"))
    lost = [
        f"{each['name']} ({each[Counter.LIVE]:,} connections)"
        for each in numbers["processes"]
        if each["lost"]
    ]
    here = len(numbers["processes"]) - len(lost)
    more = {"now": f"{here:,}", "measured": _NOT_KNOWN, "start": f"{here + len(lost):,}"}
    remark = f"lost: {', '.join(lost)}; their counts are included" if lost else ""
    told.insert(1, {"what": "Processes", "unit": "processes", **more, "remark": remark})
    told += _parts(numbers.get("acks", {}), "Acknowledged", Counter.ACKNOWLEDGED)
    deliveries = numbers.get("deliveries", {})
    if verdict is not None:
        deliveries = verdict.get("deliveries") or deliveries
    told += _parts(deliveries, "Received", Counter.RECEIPTS)
    if verdict is not None:
        known = {**dict.fromkeys(SPANS, _NOT_KNOWN), "start": str(verdict["exit_code"])}
        remark = f"{verdict['sentence']} (/sockproof/report.html is the report)"
        told.insert(0, {"what": "Verdict", "unit": "exit code", **known, "remark": remark})
    return told


def _parts(
    told_of: Mapping[str, Mapping[str, Any]], done: str, counter: Counter
) -> list[dict[str, str]]:
    """Messages that were acknowledged, or delivered, by name and by class, where several are."""
    told = []
    for by, parts in told_of.items():
        if len(parts) > 1:
            what = "message" if by == By.NAME else "class"
            for name, each in list(parts.items())[:MOST_PARTS]:
                values = (f"{LABELS[key]} {_text(each[key])}" for key in (P50.ms, P99.ms, MAX_MS))
                told.append(
                    {
                        "what": f"{done}, {what} {name}",
                        "unit": "messages",
                        **dict.fromkeys(SPANS, _NOT_KNOWN),
                        "start": _text(each[counter]),
                        "remark": f"{', '.join(values)} ms",
                    }
                )
    return told


def _text(value: float | None) -> str:
    if value is None:
        return _NOT_KNOWN
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"
