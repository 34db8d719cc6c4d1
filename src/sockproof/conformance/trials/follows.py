"""One broken thing accuses one requirement: what fails behind it follows from it.

A requirement is broken where at least half of its judged cases fail: then nobody can tell whether
those that require it would be kept. One that fails here and there leaves the others to be judged.
What a case found itself to build on as it ran is judged alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.trials.trial import Trial
from sockproof.vocabulary import Suite

JUDGED = ("PASS", "NON_STRICT", "FAIL")
_TRANSPORTS = {"polling", "websocket", "upgrade"}


def follow(trials: Sequence[Trial], requirements: Mapping[str, Requirement]) -> list[Trial]:
    """Set the cases aside whose requirement requires a broken one; gives those."""
    judged: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.record.outcome in JUDGED and trial.record.aside is None:
            judged.setdefault(trial.record.requirement, []).append(trial)
    lax = {n for n, group in judged.items() if any(_is_lax(each) for each in group)}
    failing = {
        n for n, group in judged.items() if any(each.record.outcome == "FAIL" for each in group)
    }
    found = []
    for trial in trials:
        if not trial.accuses:
            continue
        step = _step(trial, judged, failing)
        if step is not None:
            found.append((trial, step, True))
            continue
        for name in _behind(trial.record.requirement, requirements):
            broken = name in failing and _is_broken(judged[name], trial)
            if broken or (name in lax and _says_the_same(judged[name], trial)):
                found.append((trial, name, broken))
                break
    found = _grounded(found, judged)
    # Only now, so that none of them hides what another follows from.
    for trial, name, broken in found:
        text = f"It follows from {name}, which is broken: {requirements[name].text}"
        if not broken:
            text = f"Cases of {name} tell of the same habit: {requirements[name].text}"
        trial.record.set_aside("follows", name, text)
    return [trial for trial, _, _ in found]


Following = tuple[Trial, str, bool]


def _step(
    trial: Trial, judged: Mapping[str, Sequence[Trial]], failing: Collection[str]
) -> str | None:
    """The requirement that the case found itself to build on, where that explains its end.

    It does where that requirement is broken, and where it fails at all while most cases of the
    trial's own requirement, which build on it less, do not.
    """
    own = trial.record.requirement
    for name, however in trial.stands_on.items():
        if name == own or name not in failing or not (however or trial.lapsed):
            continue
        alike = [each for each in judged.get(own, ()) if each.case.offer == trial.case.offer]
        if _fails(judged[name]) or not _fails(alike):
            return name
    return None


def _grounded(found: Sequence[Following], judged: Mapping[str, Sequence[Trial]]) -> list[Following]:
    """Those that follow from what is accused in the end, and not from each other."""
    aside = {id(trial) for trial, _, _ in found}
    accused = {
        name
        for name, group in judged.items()
        if any(each.record.outcome == "FAIL" and id(each) not in aside for each in group)
    }
    while (
        more := {
            trial.record.requirement
            for trial, name, broken in found
            if broken and name in accused and trial.record.outcome == "FAIL"
        }
        - accused
    ):
        accused |= more
    return [each for each in found if not each[2] or each[1] in accused]


def _behind(name: str, requirements: Mapping[str, Requirement]) -> Iterable[str]:
    """All that a requirement requires, the most fundamental first."""
    ordered: dict[str, None] = {}

    def visit(each: str) -> None:
        for required in requirements[each].requires:
            visit(required)
            ordered.setdefault(required)

    visit(name)
    return ordered


def _is_lax(trial: Trial) -> bool:
    return trial.record.outcome == "NON_STRICT"


def _is_broken(group: Iterable[Trial], for_whom: Trial) -> bool:
    """Whether the requirement fails under the circumstances of this case."""
    return _fails([each for each in group if _alike(each, for_whom)])


def _fails(group: Sequence[Trial]) -> bool:
    """Whether at least half of these cases fail, and one at all."""
    failed = [each for each in group if each.record.outcome == "FAIL"]
    return bool(failed) and 2 * len(failed) >= len(group)


def _says_the_same(group: Iterable[Trial], lax: Trial) -> bool:
    """Whether a habit that is allowed but not the best is told by the requirement already."""
    if not _is_lax(lax):
        return False
    alike = [each for each in group if _alike(each, lax)]
    same = [each for each in alike if _is_lax(each) and each.record.got == lax.record.got]
    return bool(same) and 2 * len(same) >= len(alike)


def _alike(one: Trial, other: Trial) -> bool:
    """Whether both are compressed in the same way, and over the same transport if it is known."""
    if one.case.offer != other.case.offer:
        return False
    transports = [_transports(one), _transports(other)]
    return not all(transports) or transports[0] == transports[1]


def _transports(trial: Trial) -> set[str]:
    """The transports that a case names; where one of Socket.IO names none it is WebSocket."""
    case = trial.case
    named = _TRANSPORTS & {*map(str, case.parameters.values()), *case.requirement.split("-")}
    if named or case.suite not in (Suite.SOCKETIO, Suite.ROOMS) or trial.server is None:
        return named
    return {"websocket"} & trial.server.capabilities or {"polling"}
