"""The options of load scenarios, which the commands that run them hand on to Locust."""

from __future__ import annotations

import argparse
from typing import Any

from sockproof.load.locust.options import SECRET_ARGUMENTS, add_arguments


class _PassOn(argparse.Action):
    """An option of the scenario's, kept for Locust; what it holds is not taken for a URL."""

    def __call__(
        self, parser: object, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        del parser, option_string
        name = self.option_strings[0].removeprefix("--")
        if name in SECRET_ARGUMENTS:
            before = namespace.secrets.get(name)
            whole = values if before is None or name != "header" else f"{before}\n{values}"
            namespace.secrets = {**namespace.secrets, name: whole}
        else:
            words = [f"--{name}"] if self.nargs == 0 else [f"--{name}={values}"]
            namespace.passed = [*namespace.passed, *words]


class _Scenario:
    """Takes the options of load runs, as Locust's parser does."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser

    def add_argument(self, *names: str, **how: Any) -> None:
        """Pass this one on, in any spelling, unless the command has it itself."""
        if names[0] not in self._parser._option_string_actions:
            nargs = 0 if how.get("action") == "store_true" else None
            dest = f"passed_{names[0][2:]}"
            self._parser.add_argument(
                *names, dest=dest, action=_PassOn, nargs=nargs,
                default=argparse.SUPPRESS, help=argparse.SUPPRESS,
            )  # fmt: skip


def add_scenario_options(parser: argparse.ArgumentParser) -> None:
    """Have the command take them, too."""
    add_arguments(_Scenario(parser))
    parser.set_defaults(more=[], passed=[], secrets={})
