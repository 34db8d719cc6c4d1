"""The lines that the processes of a load run write down: their shape, and what is damaged.

The name of a file begins with what its lines tell: `health-`, `latency-`, `delivery-`, `rooms-`,
`clock-`. A
line that is damaged costs itself, one that was never finished too; what `read` is not told to say
is for `damage` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sockproof import files
from sockproof.formats.load import ClockLine, HealthLine, LatencyLine, RoomLine
from sockproof.vocabulary import renamed

MOST_OCTETS = 4 << 30  # of a file, which grows by some hundred octets a second
MOST_PHASE = 3
# What has a number in the lines of rooms, and what says what it stands for.
_NAMED = {
    "room": ("name", "message"),
    **{"class": ("name",), "user": ("label",), "body": ("text",), "why": ("text",)},
}

Line = dict[str, Any]


def decode(name: str, octets: bytes) -> Line:
    """A line of the file with this name; raises `ValueError` with what is wrong with it."""
    return _DECODERS.get(name.partition("-")[0], _other)(octets)


def read(path: Path, problems: list[str] | None = None) -> Iterator[Line]:
    """The lines of a file that are whole; none when there is no file.

    What is wrong with it is added to `problems` as one line, with the place.
    """
    whole = 0
    wrong: list[str] = []
    if files.is_there(path):
        try:
            for number, octets in files.read_lines(path, MOST_OCTETS):
                try:
                    line = decode(path.name, octets)
                except ValueError as error:
                    if not wrong:
                        wrong.append(f"{path.name}: line {number} {error}")
                    else:
                        wrong.append("")
                else:
                    whole += 1
                    yield line
        except files.FileError as error:
            wrong.append(str(error))
    if wrong and problems is not None:
        first = next(each for each in wrong if each)
        more = f", and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        problems.append(f"{first}{more}; {whole:,} lines can be read")


def _health(octets: bytes) -> Line:
    line = renamed(_timed(files.decode(octets, HealthLine)))
    for key, value in line.items():
        if isinstance(value, dict) is not (key == "lag"):
            raise ValueError(f"is invalid: {key[:40]!r} is not a number")
    return line


def _latency(octets: bytes) -> Line:
    line = _timed(files.decode(octets, LatencyLine))
    for key, value in line.items():
        if key not in ("t", "phase") and not isinstance(value, dict):
            raise ValueError(f"is invalid: {key[:40]!r} has no counts")
    return line


def _timed(line: Line) -> Line:
    time = line.get("t")
    if not isinstance(time, int) or time < 0:
        raise ValueError("is invalid: it has no time")
    phase = line.get("phase")
    if not isinstance(phase, int) or not 0 <= phase <= MOST_PHASE:
        raise ValueError("is invalid: it has no phase")
    return line


def _room(octets: bytes) -> Line:
    line = files.decode(octets, RoomLine)
    for key, names in _NAMED.items():
        number = line.get(key)
        if isinstance(number, int) and 0 <= number < 1 << 32:
            if any(isinstance(line.get(name), str) for name in names) and (
                "of" not in line or (isinstance(line["of"], int) and 0 <= line["of"] < 1 << 32)
            ):
                return line
            break
    raise ValueError("is invalid: it names no room")


def _clock(octets: bytes) -> Line:
    line = files.decode(octets, ClockLine)
    if not 0 <= line.sent <= line.received or line.there < 0:
        raise ValueError("is invalid: its times are in no order")
    return {"sent": line.sent, "received": line.received, "there": line.there}


def _other(octets: bytes) -> Line:
    return files.decode(octets, dict[str, Any])


_DECODERS: dict[str, Callable[[bytes], Line]] = {
    "health": _health,
    "latency": _latency,
    "delivery": _latency,
    "rooms": _room,
    "clock": _clock,
}
