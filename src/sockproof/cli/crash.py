"""A fault of sockproof's own: one line without anybody's secrets, and exit code 2.

It has judged nothing, so it is neither a yes nor a no.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from sockproof.errors import WrongInput
from sockproof.settings import read_settings
from sockproof.wire.redaction import Redactor, secrets_of_headers, secrets_of_url

CRASHED = 2  # the exit code
SHOW = "SOCKPROOF_TRACEBACK"  # the variable that has all of it shown
_SECRET = ("--auth", "--header", "--cookie", "--token")


def crashed(error: Exception, words: Sequence[str]) -> int:
    """Say what happened in a command that was given these words."""
    hide = Redactor(_secrets([*words, *_configured()])).text
    if os.environ.get(SHOW):
        print(hide("".join(traceback.format_exception(error))), file=sys.stderr)
    places = traceback.extract_tb(error.__traceback__)
    if isinstance(error, EOFError) and places and "importlib" in places[-1].filename:
        # Python 3.11 keeps what it could write of a compiled module to a disk that was full.
        where = sys.pycache_prefix or Path(__file__).parents[1]
        print(
            "sockproof: a compiled module in Python's cache is damaged, which a full disk may do:"
            f" delete the folders __pycache__ below {where}",
            file=sys.stderr,
        )
        return CRASHED
    place = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    print(f"sockproof: internal error: {hide(said)}{place}", file=sys.stderr)
    print(f"sockproof: {SHOW}=1 shows where; please report it", file=sys.stderr)
    return CRASHED


def _configured() -> list[str]:
    """The secrets that files and variables hold, as they would be typed."""
    found: list[str] = []
    with contextlib.suppress(WrongInput):
        settings = read_settings()
        for variable, text in settings.environment.items():
            option = f"--{variable.rpartition('_')[2].lower()}"
            found += [f"{option}={line}" for line in text.splitlines() if option in _SECRET]
        for table in ("", *settings.tables):
            for name, setting in settings.keys(table):
                values = setting.value if isinstance(setting.value, list) else [setting.value]
                found += [f"--{name}={each}" for each in values if f"--{name}" in _SECRET]
    return found


def _secrets(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    expected = ""
    for word in words:
        option, equals, value = word.partition("=")
        is_option = word.startswith("--") and any(each.startswith(option) for each in _SECRET)
        if "://" in word:
            found += secrets_of_url(word)
        if expected or (is_option and equals):
            given = value if is_option and equals else word
            name, _, behind = given.partition(":")
            found += [given, *given.split('"')[3::4]]
            found += secrets_of_headers([(name.strip(), behind.strip())])
            found += [pair.partition("=")[2] for pair in given.split(";")]
        expected = option if is_option and not equals and not expected else ""
    return found
