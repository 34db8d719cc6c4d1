"""`python -m sockproof.wstest -m fuzzingserver -s FILE`: Autobahn|Testsuite's command line.

Scripts that start `wstest` as a fuzzing server go on with this: it serves the cases that the spec
names, writes the reports into its `outdir` when the driver asks for that, and ends with a verdict.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sockproof.cli import run

MODES = ("fuzzingserver",)


def words(arguments: Sequence[str]) -> list[str]:
    """What `sockproof` is told instead; a wrong word ends the process with exit code 3."""
    parser = argparse.ArgumentParser(
        prog="wstest",
        description="Autobahn|Testsuite's fuzzing server, as sockproof serves it.",
        exit_on_error=False,
    )
    add = parser.add_argument
    add("-m", "--mode", required=True, choices=MODES, help="what to run: fuzzingserver")
    add("-s", "--spec", required=True, metavar="FILE", help="the spec, e.g. fuzzingserver.json")
    add("-w", "--wsuri", metavar="URL", help="address to listen on, instead of the spec's url")
    add("-d", "--debug", action="store_true", help="list every case in the terminal")
    known, _ = parser.parse_known_args(list(arguments))
    listen = ["--listen", known.wsuri.partition("//")[2].strip("/")] if known.wsuri else []
    return ["clients", "--spec", known.spec, *listen, *(["-v"] if known.debug else [])]


def main() -> None:
    """Run the command that the arguments stand for."""
    try:
        sys.argv[1:] = words(sys.argv[1:])
    except argparse.ArgumentError as error:
        sys.exit(_refused(str(error)))
    except SystemExit as ended:
        sys.exit(3 if ended.code else 0)
    run()


def _refused(why: str) -> int:
    sys.stderr.write(f"wstest: {why}\n")
    return 3


if __name__ == "__main__":
    main()
