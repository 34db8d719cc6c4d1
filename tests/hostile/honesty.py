"""Whether what a run said of a hostile server is honest.

An exit code alone does not tell. What is asked of a run:

* It is never well unless what the server did harms nobody, or it did nothing yet: no load run ends
  before it did.
* A load run that is a no names a property, and none that its server did not break: a server that
  fell silent has doubled, changed and invented nothing. `BREAKS` of a server names more.
* A load run that broke connections is a no; one in which nothing was judged says so and why.
* A conformance run accuses of no more than there were misbehaviours, and one that is a no accuses.
  Cases of one requirement that were not looked at again, since others stand for them, are none.
"""

from __future__ import annotations

from collections import Counter

from sockproof.conformance.trials.second_look import REPEATS
from sockproof.vocabulary import OF_SCENARIO
from tests.hostile.run import Ended
from tests.hostile.shelf import Hostile

NO_CASES = 2  # connections of a conformance run that are no case's
DISTURBED = (  # what any disturbance may break
    *("lost", "unacknowledged", "broken", "disconnected", "connect_failures"),
    *("refused", "unanswered_requests", "outages"),
)


def dishonest(hostile: Hostile, client: str, ended: Ended) -> str:
    """What is not honest about it; nothing when all is."""
    if ended.code is None:
        return "it did not end"
    if "Traceback" in ended.output:
        return "a traceback"
    if ended.code not in (0, 1, 2):
        return f"exit code {ended.code}"
    if not ended.output.strip():
        return "not a word"
    if client == "conformance":
        return _conformance(hostile, ended)
    return _load(hostile, ended)


def _conformance(hostile: Hostile, ended: Ended) -> str:
    if ended.code == 0:
        unseen = hostile.harmless or hostile.unseen or ended.begun <= NO_CASES
        return "" if unseen else "nothing was seen"
    cases = ended.told.get("cases", [])
    accused = [case for case in cases if case["outcome"] == "FAIL" and not case.get("aside")]
    if ended.code == 1 and not accused and "died" not in ended.output:
        return "a no, and nothing is accused"
    requirements = Counter(case["requirement"] for case in accused)
    accusations = sum(min(count, REPEATS) for count in requirements.values())
    if accusations > ended.begun:
        return f"{accusations} accusations, and {ended.begun} misbehaviours"
    return ""


def _load(hostile: Hostile, ended: Ended) -> str:
    if not ended.told:
        return "no summary"
    if not ended.begun:
        return "the server did nothing wrong"
    properties = ended.told["properties"]
    violated = {name for name, each in properties.items() if each["verdict"] is False}
    broken = sorted(violated - set(OF_SCENARIO))
    foreign = set(broken) - {*DISTURBED, *hostile.breaks}
    if foreign:
        return f"what the server did not do: {', '.join(sorted(foreign))}"
    if (ended.code == 1) != bool(broken):
        return f"{ended.code}, and broken is {', '.join(broken) or 'nothing'}"
    if ended.told["counts"]["broken"] and ended.code != 1:
        return "connections were broken, and it is no no"
    if ended.code == 0 and not hostile.harmless:
        return "well, though the server misbehaved"
    return ""
