"""A comparison of two servers, or the noise of one, as lines for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sockproof.render.markdown_page import code, escape
from sockproof.render.text import aligned, number, short
from sockproof.runs.breakdown import look_up

_HEADLINES = {
    "violation": "FAIL: B has violations that A does not have: {facts}",
    "regression": "FAIL: B is worse than A by more than {tolerance}",
    "no regression": "PASS: B is not worse than A by {tolerance} or more",
    "inconclusive": "INCONCLUSIVE: B may or may not be worse than A by more than {tolerance}",
    "measured": "Noise of this machine, from {runs}",
}
_VERDICTS = ("regression", "no regression", "inconclusive")
_COLUMNS = ("metric", "A", "B", "worse by", "interval", "p", "verdict")


def pair_line(pair: Mapping[str, Any], metrics: Sequence[str]) -> str:
    """How far it has come: what the runs of a pair, or one run, have shown."""
    told = [
        f"{'warm-up' if pair['warm_up'] else 'pair' if 'b' in pair else 'run'} {pair['number']}"
    ]
    for side in pair.get("order", "A").lower():
        summary = pair[side]["summary"]
        values = ", ".join(_shown(look_up(summary, name)) for name in metrics if _plain(name))
        fit = "" if summary["generator"]["fit"] else " (inconclusive)"
        told.append(f"{side.upper()} {values}{fit}")
    return "  ".join(told)


def _plain(metric: str) -> bool:
    return metric.startswith("latency.")


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What a person wants to know first, first."""
    result = document["result"]
    yield ""
    yield headline(document)
    for note in _notes(document):
        yield f"  {note}"
    if "noise" in result:
        yield ""
        yield from (f"  {line}" for line in _noise_lines(document))
    rows = _rows(document)
    if rows:
        yield ""
        yield from aligned(rows, left=(0, 6))
        yield ""
        yield f"  {_basis(document)}"


def markdown(document: Mapping[str, Any]) -> str:
    """The same for a CI step's summary."""
    told = [f"# {headline(document)}", ""]
    told += [f"* {escape(note, 1000)}" for note in _notes(document)]
    if "noise" in document["result"]:
        told += [f"* {line}" for line in _noise_lines(document)]
    rows = _rows(document)
    if rows:
        told += ["", _row(rows[0]), "|" + "---|" * len(_COLUMNS)]
        told += [_row((_named(metric), *cells)) for metric, *cells in rows[1:]]
        told += ["", _basis(document)]
    return "\n".join(told) + "\n"


def _named(metric: str) -> str:
    return code(metric) if "[" in metric else metric  # a name may hold anything


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def headline(document: Mapping[str, Any]) -> str:
    """The verdict as a sentence."""
    result, design = document["result"], document["design"]
    return _HEADLINES[result["verdict"]].format(
        tolerance=_percent(design["tolerance"]),
        facts=_facts(result["violations"]),
        runs=number(result.get("runs", 0), "run"),
    )


def _facts(violations: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in violations.items())


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    result = document["result"]
    if document.get("interrupted"):
        yield "interrupted; the runs so far are evaluated"
    if document.get("stopped"):
        yield short(document["stopped"], 400)
    if result["violations_of_a"]:
        yield f"A's runs have {_facts(result['violations_of_a'])}; these are not counted against B"
    if not result.get("looks") and document["mode"] != "aa":
        yield "too few complete and conclusive pairs"
    for note in result["notes"]:
        yield short(note, 400)


def _noise_lines(document: Mapping[str, Any]) -> Iterator[str]:
    noise, design = document["result"]["noise"], document["design"]
    false_alarms, passed, open_ = (noise["verdicts"][each] for each in _VERDICTS)
    yield (
        f"paired at random {noise['deals']} times, {number(noise['pairs'], 'pair')} each:"
        f" {false_alarms} false alarms ({noise['false_positives']:.1%};"
        f" at most {design['alpha']:.0%} by design), {passed} passed, {open_} inconclusive"
    )
    for name, spread in noise["spread"].items():
        found = noise["detectable"][name]
        caught = "no difference up to fourfold" if found is None else f"{found:.0%} worse"
        varies = f"{name}: varies by {spread:.1%} from run to run"
        yield f"{varies}; detected in 4 of 5 comparisons: {caught}"


def _rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    looks = document["result"].get("looks")
    if not looks:
        return []
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for each in looks[-1]["estimates"]:
        before, after = looks[-1]["means"].get(each["metric"], (None, None))
        between = "-"
        if each["low"] is not None:
            between = f"{_signed(each['low'])} … {_signed(each['high'])}"
        note = f" ({each['note']})" if each["note"] else ""
        p = "-" if each["adjusted"] is None else f"{each['adjusted']:.4f}"
        change = "-" if each["change"] is None else _signed(each["change"])
        cells = (_shown(before), _shown(after), change, between, p, each["verdict"] + note)
        rows.append((each["metric"], *cells))
    return rows


def _basis(document: Mapping[str, Any]) -> str:
    look, design = document["result"]["looks"][-1], document["design"]
    what, test = number(look["pairs"], "pair of runs", "pairs of runs"), "sign flips"
    if document["mode"] == "stored" and not document["paired"]:
        what, test = f"{look['pairs']} runs of A, {look['of_b']} of B", "permutations"
    share = f"below {look['share']:.1%} counts at this look, of {design['alpha']:.0%} for all"
    return (
        f"{what}; {design['confidence']:.0%} bootstrap intervals; p of {test} after Holm:"
        f" {share if look['share'] else 'too few pairs to decide'}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} %"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"
