"""What each command is, and which errors are one line and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sockproof import launch, records, shelves
from sockproof.certificates import CertificateError, make_certificates
from sockproof.cli.ab import ab
from sockproof.cli.arguments import WRONG_COMMAND, build_parser
from sockproof.cli.calibrate import calibrate
from sockproof.cli.capacity import capacity
from sockproof.cli.compare import compare
from sockproof.cli.conformance import conformance
from sockproof.cli.export import export
from sockproof.cli.gate import gate
from sockproof.cli.init import init
from sockproof.cli.load import load, summary
from sockproof.cli.load_report import write_load_report
from sockproof.cli.matrix import matrix
from sockproof.cli.outputs import Outputs
from sockproof.cli.settings import CommandError
from sockproof.cli.study import is_study, study, write_study
from sockproof.conformance.expectations import ExpectationError
from sockproof.conformance.preflight import Unreachable
from sockproof.conformance.profile import ProfileError
from sockproof.conformance.requirements import RequirementError
from sockproof.files import FileError, WriteError
from sockproof.load_records import LoadRecordError, is_load_run
from sockproof.render.text import lines

_WRONG = (
    CommandError,
    ExpectationError,
    FileError,
    LoadRecordError,
    ProfileError,
    RequirementError,
    shelves.ShelfError,
)


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be no text
            stream.reconfigure(errors="backslashreplace")
    parser = build_parser()
    options, more = parser.parse_known_args(arguments)
    if options.command in ("load", "ab", "capacity"):
        # For Locust, which knows the scenario's own arguments.
        options.more = [*options.passed, *_without_url(options, more)]
    elif more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    commands = {
        "conformance": conformance,
        "target": _target,
        "matrix": matrix,
        "compare": compare,
        "report": _report,
        "calibrate": calibrate,
        "capacity": capacity,
        "export": export,
        "gate": gate,
        "init": init,
        "load": load,
        "ab": ab,
        "study": study,
        "summary": summary,
    }
    try:
        return commands[options.command](options)
    except _WRONG as error:
        _say(error)
        return WRONG_COMMAND
    except (Unreachable, launch.TargetError, CertificateError, WriteError) as error:
        _say(error)
        return 2
    except BrokenPipeError:
        # Whoever read our lines went away; what is written to files is complete.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 130
    except OSError as error:  # the machine's limits: a full disk under our own output, open files
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}")
        return 2


def _say(error: object) -> None:
    with contextlib.suppress(OSError):
        print(f"sockproof: {lines(str(error))}", file=sys.stderr)


def _without_url(options: Namespace, more: list[str]) -> list[str]:
    """What was not understood, but for the URL: it may stand behind options, too."""
    found = next((word for word in more if re.match(r"(?i)(ws|http)s?://", word)), None)
    if found is None or getattr(options, "url", "") is not None:
        return more
    options.url = found
    return [word for word in more if word is not found]


def _target(options: Namespace) -> int:
    targets = launch.load_targets(shelves.shelf("targets", options.shelf))
    if options.name is None:
        for spec in targets.values():
            needs = "; ".join(spec.needs())
            print(f"{spec.name:28} {spec.title}" + (f"  (needs {needs})" if needs else ""))
        return 0
    if options.name not in targets:
        raise CommandError(f"no target {options.name!r}; there are {', '.join(targets)}")
    spec = targets[options.name]
    if not options.tls:
        return launch.run_in_foreground(spec, options.port)
    if not spec.tls:
        raise CommandError(f"the target {spec.name} speaks no TLS")
    with TemporaryDirectory(prefix="sockproof-") as folder:
        return launch.run_in_foreground(spec, options.port, make_certificates(Path(folder)))


def _report(options: Namespace) -> int:
    if is_load_run(options.run):
        for path in write_load_report(options.run, options.shelf):
            print(f"report: {path}")
        return 0
    if is_study(options.run):
        for path in write_study(options.run, options.shelf):
            print(f"report: {path}")
        return 0
    report = records.read_run(options.run)
    for line in report.get("damage", ()):
        _say(line)
    folder = options.run if options.run.is_dir() else options.run.parent
    for path in Outputs.in_folder(folder, options.shelf).write(report):
        print(f"report: {path}")
    return 0
