"""All of the shelf against all clients: `python -m tests.hostile.survey OUT [SHARE [TURN]]`.

One line of JSON for each run; what is in the file already is not run again.
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

from tests.hostile.run import CLIENTS, run
from tests.hostile.shelf import load


def main(out: Path, share: int = 1, turn: int = 0) -> None:
    """Run what is not there yet of this share."""
    lines = out.read_text().splitlines() if out.exists() else []
    done = {tuple(json.loads(line)["run"]) for line in lines}
    # In an order that has nothing to do with the names, so that a part shows something of each.
    order = sorted(load().values(), key=lambda each: zlib.crc32(each.name.encode()))
    for number, hostile in enumerate(order):
        if number % share != turn:
            continue
        for client in CLIENTS:
            transport = hostile.transports[number % len(hostile.transports)]
            key = (hostile.name, client, transport)
            if key in done:
                continue
            ended = run(hostile, client, transport)
            said = [line for line in ended.output.splitlines() if line.strip()]
            with out.open("a") as file:
                told = {"run": key, "code": ended.code, "seconds": round(ended.seconds, 1)}
                told |= {"mib": round(ended.mib), "traceback": "Traceback" in ended.output}
                file.write(json.dumps({**told, "last": said[-1:]}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
