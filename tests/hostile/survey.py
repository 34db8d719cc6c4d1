"""All of the shelf against all clients: `python -m tests.hostile.survey OUT [JOBS [LEAST]]`.

JOBS run at once. It ends when all has been run, or LEAST behaviours. OUT gets one line of JSON
for each run; what is in the file already is not run again. Without JOBS, `table OUT` prints what
the file holds as Markdown.
"""

from __future__ import annotations

import json
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.hostile.honesty import dishonest
from tests.hostile.run import CLIENTS, run
from tests.hostile.shelf import Hostile, load


def survey(out: Path, jobs: int, least: int) -> None:
    """Run what is not there yet."""
    lines = out.read_text().splitlines() if out.exists() else []
    done = {tuple(json.loads(line)["run"]) for line in lines}
    # In an order that has nothing to do with the names, so that a part shows something of each.
    order = sorted(load().values(), key=lambda each: zlib.crc32(each.name.encode()))
    writing = threading.Lock()

    def one(hostile: Hostile, client: str, transport: str) -> None:
        told = _told(hostile, client, transport)
        with writing, out.open("a") as file:
            file.write(json.dumps(told) + "\n")

    with ThreadPoolExecutor(jobs) as pool:
        for number, hostile in enumerate(order[:least]):
            transport = hostile.transports[number % len(hostile.transports)]
            for client in CLIENTS:
                if (hostile.name, client, transport) not in done:
                    pool.submit(one, hostile, client, transport)


def _told(hostile: Hostile, client: str, transport: str) -> dict[str, Any]:
    ended = run(hostile, client, transport)
    said = [line.strip() for line in ended.output.splitlines() if line.strip()]
    verdict = said[-1:]
    if ended.told and client != "conformance":
        begins = ("Violations", "Nothing ", "Not fit", "No property")
        verdict = [line for line in said if line.startswith(begins)]
        if verdict == ["Inconclusive:"]:
            verdict = ended.told["generator"]["reasons"][:1]
    told: dict[str, Any] = {"run": (hostile.name, client, transport), "code": ended.code}
    told |= {"seconds": round(ended.seconds, 1), "mib": round(ended.mib), "begun": ended.begun}
    wrong = dishonest(hostile, client, ended)
    more = {"output": ended.output[-3000:]} if wrong else {}
    return {**told, "verdict": " ".join(verdict)[:160], "wrong": wrong, **more}


def table(out: Path) -> Iterator[str]:
    """What the file holds, as Markdown."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    told = [json.loads(line) for line in out.read_text().splitlines()]
    for each in told:
        name, client, transport = each["run"]
        rows.setdefault((name, transport), {})[client] = each
    yield f"{len(rows)} behaviours, {len(told)} runs"
    for client in CLIENTS:
        own = [each for each in told if each["run"][1] == client]
        codes = Counter(str(each["code"]) for each in own)
        yield (
            f"* {client}: {len(own)} runs, exit codes {dict(sorted(codes.items()))},"
            f" at most {max((each['seconds'] for each in own), default=0)} s"
            f" and {max((each['mib'] for each in own), default=0)} MiB,"
            f" {sum(bool(each['wrong']) for each in own)} not honest"
        )
    yield ""
    yield "| behaviour | over |" + "".join(f" {client} |" for client in CLIENTS)
    yield "|---|---|" + "---|" * len(CLIENTS)
    for (name, transport), clients in sorted(rows.items()):
        cells = [_cell(clients.get(client)) for client in CLIENTS]
        yield f"| `{name}` | {transport} | {' | '.join(cells)} |"


def _cell(each: dict[str, Any] | None) -> str:
    if each is None:
        return "-"
    verdict = each["verdict"].replace("|", "/")[:80]
    wrong = f" **{each['wrong']}**" if each["wrong"] else ""
    return f"{each['code']}, {each['seconds']} s, {each['mib']} MiB: {verdict}{wrong}"


if __name__ == "__main__":
    if sys.argv[1] == "table":
        sys.stdout.write("\n".join(table(Path(sys.argv[2]))) + "\n")
    else:
        numbers = [*map(int, sys.argv[2:]), *(1, 1000)[len(sys.argv) - 2 :]]
        survey(Path(sys.argv[1]), *numbers)
