"""What this process must not show: secrets in its arguments, its page, its log, its errors.

Locust prints what it was given and what exceptions say, and its page holds the same: so it is
given masked values, and whatever it writes passes a redactor.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from typing import IO, Any

from sockproof.load.locust.options import SECRET_ARGUMENTS
from sockproof.wire.redaction import (
    Redactor,
    secrets_of_headers,
    secrets_of_url,
    secrets_of_value,
)
from sockproof.wire.url import masked_url

MASKED = "***"  # what stands for a value that was given at the start
_HOST = "LOCUST_HOST"


class Secrets:
    """The values that were given, and what shows texts without them."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._texts: list[str] = []
        self._given: dict[str, str] = {}  # by what is shown in their place
        self._redactor = Redactor()

    def hide(self, text: str) -> str:
        """`text` without them."""
        return self._redactor.text(text)

    def take(self) -> None:
        """Take the secrets out of what Locust shows of its arguments, and mask what it writes."""
        parsed = self._environment.parsed_options
        for name, variable in SECRET_ARGUMENTS.items():
            self._given[name] = str(getattr(parsed, name, "") or "")
            _forget(f"--{name}", self._given[name], MASKED)
            if os.environ.pop(variable, None) is not None:
                os.environ[variable] = MASKED
        host = str(parsed.host or "")
        shown = masked_url(host)
        if shown != host:
            self._given["host"], self._given["shown"] = host, shown
            _forget("--host", host, shown)
            _forget("-H", host, shown)
            self._environment.host = parsed.host = shown
        if _HOST in os.environ:
            os.environ[_HOST] = shown
        self._mask_output()

    def put_back(self, parsed: Namespace) -> None:
        """What a run is told, with the values in place of what is shown of them."""
        if self._environment.host:
            parsed.host = self._environment.host
        real = getattr(parsed, "sockproof_host", "")  # a master's, who tells its workers
        if real and parsed.host == masked_url(real):
            parsed.host = real
        elif parsed.host == self._given.get("shown"):
            parsed.host = self._given["host"]
        parsed.sockproof_host = parsed.host
        if self._environment.host:
            self._environment.host = masked_url(parsed.host or "")
        for name in SECRET_ARGUMENTS:
            if getattr(parsed, name, None) == MASKED:
                setattr(parsed, name, self._given.get(name, ""))

    def know(self, urls: list[str], headers: tuple[tuple[str, str], ...], auth: Any) -> None:
        """Hide these from now on."""
        self._texts += [text for url in urls for text in secrets_of_url(url)]
        self._texts += secrets_of_headers(headers) + secrets_of_value(auth)
        self._redactor = Redactor(self._texts)

    def _mask_output(self) -> None:
        sys.stdout = _Masked(sys.stdout, self)
        sys.stderr = _Masked(sys.stderr, self)
        names = ["", *logging.root.manager.loggerDict]
        loggers = [logging.getLogger(name) for name in names]
        for handler in {each for logger in loggers for each in logger.handlers}:
            handler.setFormatter(_MaskedFormat(handler.formatter, self))
        runner = self._environment.runner
        if runner is None:
            return
        note = runner.log_exception

        def log_exception(node: str, message: str, traceback: str) -> None:
            note(node, self.hide(message), self.hide(traceback))

        runner.log_exception = log_exception


def _forget(option: str, value: str, shown: str) -> None:
    """Have the arguments of this process, which Locust's page reads again, hold `shown`."""
    if not value:
        return
    for at, word in enumerate(sys.argv):
        if word == value:
            sys.argv[at] = shown
        elif word == f"{option}={value}" or word.endswith(f"={value}"):
            sys.argv[at] = f"{word.partition('=')[0]}={shown}"


class _Masked:
    """A stream that shows texts without the secrets."""

    def __init__(self, stream: IO[str], secrets: Secrets) -> None:
        self._stream = stream
        self._secrets = secrets

    def write(self, text: str) -> int:
        self._stream.write(self._secrets.hide(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _MaskedFormat(logging.Formatter):
    """The format of a handler, without the secrets."""

    def __init__(self, before: logging.Formatter | None, secrets: Secrets) -> None:
        super().__init__()
        self._before = before or logging.Formatter()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.hide(self._before.format(record))
