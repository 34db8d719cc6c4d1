"""Damaged files before every command that reads one: how each ends, and what it takes.

    python -m tests.damage_run 2000 [SEED]

A process that has imported everything forks for each file, so that a command runs in a process
of its own, within limits that the system holds it to; every tenth is run as people run it. What
is printed at the end: how many ended with each exit code, and each that did not keep the rules.

The rules: no traceback; 0, 1, 2 or 3; within ten seconds of the processor and 1 GiB. Where nothing
can be read of a file that was named, 3, and one line. A folder of a load run that is damaged is
never accused of what the run did not show.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import damage_kinds as kinds
from tests.damage_samples import make_samples

MOST_SECONDS = 10  # of the processor
MOST_OCTETS = 1 << 30  # of memory
MOST_WAITING = 90  # seconds without any work of the processor, until a command hangs
EACH_REAL = 10  # which of the commands run as people run them


@dataclass(frozen=True)
class Job:
    """A command on a folder of samples, and which of their files may be damaged.

    `named` are those without which the command cannot say anything; `at` is where it is run.
    """

    words: tuple[str, ...]
    named: tuple[str, ...]
    others: tuple[str, ...] = ()
    at: str = "."


LOAD = ("run.json", "summary.json", "rows-0", "rows-1", "latency-0", "health-0", "rooms-0")
WITHOUT_SUMMARY = tuple(name for name in LOAD if name != "summary.json")
KINDS = ("rows", "latency", "health", "rooms")
PART, HOST = (tuple(f"{kind}-{number}" for kind in KINDS) for number in (0, 1))
MANY = ("summary.json", *PART, *HOST, "clock-1")
SETTINGS, PROJECT = ("configured/sockproof.toml",), ("project/pyproject.toml",)


def _load(run: str, names: Sequence[str] = LOAD) -> tuple[str, ...]:
    return tuple(f"{run}/{name}" for name in names)


JOBS = (
    Job(("report", "cases"), ("cases/run.jsonl",)),
    Job(("report", "cases/report.json"), ("cases/report.json",)),
    Job(("compare", "cases", "more/report.json"), ("cases/run.jsonl", "more/report.json")),
    Job(
        ("site", "matrices", "--out", "public"),
        ("matrices/20260101T000000Z-matrix/matrix.json",),
        ("matrices/20260101T000000Z-matrix/one/report.json",),
    ),
    Job(("gate", "cases", "--rules", "rules.toml"), ("cases/run.jsonl", "rules.toml")),
    Job(("gate", "more", "--rules", "conformance"), ("more/report.json",)),
    Job(("summary", "load"), (), _load("load", WITHOUT_SUMMARY)),
    Job(("report", "load"), (), (*_load("load"), "calibration.json")),
    Job(("export", "load", "--format", "csv"), (), _load("load")),
    Job(("export", "load", "--format", "openmetrics", "--out", "out"), (), _load("load")),
    Job(("export", "load", "--format", "hgrm", "--latency", "delivery"), (), _load("load")),
    Job(
        ("gate", "load", "--rules", "rules.toml"),
        ("load/summary.json", "rules.toml"),
        (*_load("load", WITHOUT_SUMMARY), "load/ended.json"),
    ),
    Job(
        ("gate", "load", "--baseline", "base", "base", "--rules", "smoke"),
        ("load/summary.json", "base/summary.json"),
    ),
    Job(
        ("compare", "load", "base"),
        ("load/summary.json", "base/summary.json"),
        (*_load("load", WITHOUT_SUMMARY), *_load("base", WITHOUT_SUMMARY)),
    ),
    Job(("ab", "--stored", "load,load", "base,base"), ("load/summary.json", "base/summary.json")),
    Job(("ab", "--again", "compared"), ("compared/ab.json",)),
    Job(("ab", "--again", "stored/ab.json"), ("stored/ab.json",)),
    Job(("ab", "--again", "noise"), ("noise/ab.json",)),
    Job(("report", "study"), ("study/study.json",)),
    Job(("conformance", "ws://127.0.0.1:1/", "--expect", "known.toml"), ("known.toml",)),
    Job(("conformance", "ws://127.0.0.1:1/", "--profile", "profile.toml"), ("profile.toml",)),
    Job(("conformance", "wss://127.0.0.1:1/", "--ca", "ca.pem"), ("ca.pem",)),
    Job(
        ("conformance", "--list", "--shelf", "shelf"),
        ("shelf/conformance/requirements/rooms.toml",),
    ),
    Job(("target", "--shelf", "shelf"), ("shelf/targets/websockets/target.toml",)),
    Job(("summary", "many"), (), _load("many", ("run.json", *MANY[1:]))),
    Job(("report", "many"), (), _load("many", MANY)),
    Job(("gate", "many", "--rules", "rules.toml"), ("many/summary.json",), _load("many", MANY)),
    Job(("export", "many", "--format", "openmetrics"), (), _load("many", MANY)),
    Job(
        ("summary", "part", "host"),
        (),
        (*_load("part", ("run.json", *PART)), *_load("host", ("run.json", *HOST, "clock-1"))),
    ),
    Job(("config",), SETTINGS, at="configured"),
    Job(("gate", "../many"), SETTINGS, at="configured"),
    Job(("conformance", "ws://127.0.0.1:1/"), SETTINGS, at="configured"),
    Job(("config", "load", "gate"), (), (*PROJECT, "project/locust.conf"), at="project"),
)


# What is there again, is told by another file, or is not known to be missing.
_MADE_AGAIN = (
    "load/summary.json",
    "base/summary.json",
    "many/summary.json",
    "cases/run.jsonl",
    "shelf/targets/websockets/target.toml",
    "configured/sockproof.toml",
)


@dataclass(frozen=True)
class Trial:
    """A command before a damaged file, and how it ended."""

    number: int
    job: Job
    file: str
    damage: str
    real: bool
    code: int = 0
    said: str = ""
    octets: int = 0
    wrong: str = ""


def draw(number: int, seed: int) -> tuple[Job, str, Sequence[kinds.Damage], random.Random]:
    """What is tried as this number: a job, its file, and the damage to it."""
    dice = random.Random(f"{seed} {number}")
    job = JOBS[number % len(JOBS)]
    file = dice.choice((*job.named, *job.others))
    possible = (*kinds.FATAL, *kinds.PARTIAL, *(kinds.ROWS * 3 if "/rows-" in file else ()))
    chosen = [dice.choice(possible)]
    if dice.random() < 0.2 and chosen[0] in (*kinds.PARTIAL, *kinds.ROWS):
        chosen.append(dice.choice((kinds.bits, kinds.value, kinds.truncated, kinds.nuls)))
    return job, file, chosen, dice


def attempt(number: int, seed: int, samples: Path) -> Trial:
    """Damage a copy, run the command, and see whether it kept the rules."""
    job, file, damages, dice = draw(number, seed)
    real = number % EACH_REAL == 0
    with tempfile.TemporaryDirectory(prefix="damage-", dir=samples.parent) as name:
        place = Path(name) / "w"
        shutil.copytree(samples, place, symlinks=True)
        path = place / file
        path = path.parent / path.readlink() if path.is_symlink() else path
        # What nobody may read cannot be damaged further, unless by root.
        for damage in sorted(damages, key=lambda each: each is kinds.unreadable):
            if path.is_file() and path.stat().st_size < 1 << 26:
                damage(path, dice)
        names = "+".join(each.__name__ for each in damages)
        code, said, octets = (_really if real else _forked)(job.words, place / job.at)
        with contextlib.suppress(OSError):
            if not path.is_symlink():  # what it leads to is not ours
                path.chmod(0o644)
    trial = Trial(number, job, file, names, real, code, said, octets)
    return Trial(*(*list(vars(trial).values())[:-1], _wrong(trial, damages)))


def _wrong(trial: Trial, damages: Sequence[kinds.Damage]) -> str:
    """Which rule was not kept; nothing when all were."""
    if "Traceback" in trial.said:
        return "a traceback"
    if trial.code not in (0, 1, 2, 3):
        return f"exit code {trial.code}"
    if trial.octets > MOST_OCTETS:
        return f"{trial.octets >> 20} MiB"
    fatal = damages[0] in kinds.FATAL
    last = trial.said.strip().split("\n")[-1]
    if trial.code == 3 and not last.startswith("sockproof: "):
        return f"no line of ours: {last[:100]!r}"
    if trial.code == 3 and len(last) > 2000:
        return "a line of more than 2,000 characters"
    if any(ord(char) < 32 and char not in "\n\t\r" for char in trial.said):
        return "control characters"
    if trial.file in trial.job.named and fatal and trial.code != 3:
        if damages[0] is kinds.missing and trial.file in _MADE_AGAIN:
            return ""
        if trial.file.endswith(".toml") and damages[0] in (kinds.empty, kinds.dotted):
            return ""
        return f"nothing can be read, and exit code {trial.code}"
    plausible = [kinds.bits, kinds.row, kinds.rubbish, kinds.lines, kinds.value, kinds.values]
    plausible += [kinds.swapped_values, kinds.without_key, kinds.repeated]
    surely = not any(damage in plausible for damage in damages)
    if trial.job.words[0] == "summary" and trial.code == 1 and surely:
        return "an accusation"
    return ""


def _forked(words: Sequence[str], place: Path) -> tuple[int, str, int]:
    """Run it in a fork of this process: the exit code, what it said, and its memory."""
    output = place / ".output"
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _child(words, place, output)
        os._exit(99)
    return _ended(child, output)


def _child(words: Sequence[str], place: Path, output: Path) -> None:
    _limit()
    handle = os.open(output, os.O_RDWR | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(handle, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(place)
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8")  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), "utf-8", write_through=True)  # noqa: SIM115
    from sockproof.cli.command import execute

    code: object = 98
    try:
        code = execute(list(words))
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 97)


def _limit() -> None:
    """What the system holds a command to; memory by its addresses, of which more are taken."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + (3 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _really(words: Sequence[str], place: Path) -> tuple[int, str, int]:
    """Run it as people do."""
    output = place / ".output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "sockproof", *words],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            preexec_fn=_limit,
        )
    found = _ended(process.pid, output)
    process.returncode = found[0]
    return found


def _ended(child: int, output: Path) -> tuple[int, str, int]:
    deadline, worked = time.monotonic() + MOST_WAITING, 0.0
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline and (now := _worked(child)) > worked:
            # A busy machine; how much work there may be is for the system to say.
            deadline, worked = time.monotonic() + MOST_WAITING, now
        elif time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            done, status, usage = os.wait4(child, 0)
            break
        time.sleep(0.005)
    said = output.read_bytes()[-200_000:].decode("utf-8", "replace")
    return os.waitstatus_to_exitcode(status), said, usage.ru_maxrss * 1024


def _worked(child: int) -> float:
    """How long a process has had the processor, in ticks."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{child}/stat").read_text(errors="replace")
        return float(sum(map(int, stat.rpartition(")")[2].split()[11:13])))
    return 0.0


def run(numbers: Sequence[int], seed: int, tell: Callable[[Trial], None]) -> None:
    """Try these numbers; `tell` hears of each."""
    import sockproof.analysis.summary.run_summary
    import sockproof.analysis.timeline.export
    import sockproof.analysis.timeline.overlay
    import sockproof.render.figures
    import sockproof.render.load.overlay_figure
    import sockproof.render.study  # noqa: F401 - so that no fork has to
    from sockproof.cli.arguments import build_parser

    build_parser()  # which imports all commands

    with tempfile.TemporaryDirectory(prefix="damage-") as name:
        samples = Path(name) / "samples"
        samples.mkdir()
        make_samples(samples)
        for number in numbers:
            tell(attempt(number, seed, samples))


def main(words: Sequence[str]) -> int:
    """The program: how many, the seed, and from which number on."""
    count, seed = int(words[0]), int(words[1]) if len(words) > 1 else random.randrange(10**6)
    first = int(words[2]) if len(words) > 2 else 0

    trials: list[Trial] = []

    def tell(trial: Trial) -> None:
        trials.append(trial)
        if trial.wrong:
            told = f"{trial.number}: {trial.wrong}: {' '.join(trial.job.words)}"
            end = " | ".join(trial.said.strip().split("\n")[-4:])
            print(f"{told} [{trial.file}: {trial.damage}]\n    {end[-600:]}", flush=True)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a script's job ignores
    with contextlib.suppress(KeyboardInterrupt):  # what was tried by then is told
        run(range(first, first + count), seed, tell)
    codes = Counter(trial.code for trial in trials)
    print(f"seed {seed}: {len(trials)} damaged files, {sum(t.real for t in trials)} before a real")
    print("exit codes: " + ", ".join(f"{code}: {number}" for code, number in sorted(codes.items())))
    print(f"most memory: {max(trial.octets for trial in trials) >> 20} MiB")
    wrong = sum(bool(trial.wrong) for trial in trials)
    print(f"rules not kept: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
