"""The options that the command line leaves open, from a file or the environment.

Each goes through the type and the choices of its own option, so that what is refused there is
refused here, and no option can be forgotten.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.cli.locust_settings import ignored_of_locust
from sockproof.cli.scenario_options import PassOn
from sockproof.cli.speech import warn
from sockproof.load.locust.options import REPEATED, OptionError, check
from sockproof.settings import Setting, SettingError, Settings, read_settings, variables

# What is typed, and what is not taken from elsewhere then, because the two contradict each other.
_CONTRADICTED = {
    "url": ("target",),
    "worker": ("master", "expect-workers", "rules", "target"),
    "master": ("worker", "master-host", "processes"),
    "processes": ("master", "expect-workers"),
    "a": ("a-target",),
    "a-target": ("a", "a-pid"),
    "b": ("b-target",),
    "b-target": ("b", "b-pid"),
}
OF_LOAD = ("load", "ab", "capacity")
_TEXTS = ("FILE", "DIR", "PATH", "NS", "NAME", "IP,IP", "JSON", "'NAME: VALUE'", "'NAME=VALUE'")
_UNTYPED = object()


def subparser(parser: argparse.ArgumentParser, command: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    found: argparse.ArgumentParser = commands.choices[command]
    return found


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options that can be set, by their keys."""
    found = {}
    for action in parser._actions:
        hidden = action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction)
        long = [each for each in action.option_strings if each.startswith("--")]
        if long and not hidden:
            found[long[0].removeprefix("--")] = action
    return found


class Configuration:
    """What is set for one command, read and checked before its command line is parsed."""

    def __init__(self, parser: argparse.ArgumentParser, command: str, settings: Settings) -> None:
        """Raises `SettingError` for a key that is unknown, or a value that is of no use."""
        self.command = command
        self._parser = parser
        self._options = options_of(parser)
        self.settings = settings
        check_keys(settings, command, self._options)
        self._defaults: dict[str, Any] = {}
        self.found: dict[str, tuple[Setting, Any]] = {}
        for name, action in self._options.items():
            setting = settings.of(command, name)
            if setting is not None:
                self.found[name] = setting, converted(parser, action, name, setting)

    def open(self) -> None:
        """Have the parser tell what was typed from what was not."""
        for name, action in self._options.items():
            if name in self.found:
                action.required = False
            if not isinstance(action, PassOn):
                self._defaults[name] = action.default
                is_list = isinstance(action, argparse._AppendAction)
                action.default = None if is_list else _UNTYPED

    def fill(self, options: Namespace) -> None:
        """Put in what was not typed; `options.configured` are the words that say the same."""
        typed = {name for name in self._options if self._is_typed(options, name)}
        if getattr(options, "url", None) is not None:
            typed.add("url")
        contradicted = {each for name in typed for each in _CONTRADICTED.get(name, ())}
        options.configured = []
        passed = getattr(options, "passed", [])
        options.passed = []  # what was typed is to stand behind, where Locust takes it for the last
        for name, action in self._options.items():
            if name in typed:
                continue
            _, value = self.found.get(name, (None, None))
            if value is not None and name not in contradicted:
                options.configured += words_of(action, name, value)
                self._put(options, action, value)
            elif name in self._defaults:
                setattr(options, action.dest, self._default(name))
        options.passed += passed

    def ignored(self) -> Iterator[str]:
        """What is set and read by nobody, a line each."""
        yield from self.settings.said
        prefix = variables(self.command, "")[0]
        for variable in sorted(self.settings.environment):
            name = variable.removeprefix(prefix).lower().replace("_", "-")
            if variable.startswith(prefix) and name not in self._options:
                yield f"{variable} is ignored: {self.command} has no option --{name}"
        if self.command in OF_LOAD:
            yield from ignored_of_locust()

    @property
    def names(self) -> list[str]:
        """The keys that there are."""
        return list(self._options)

    def value(self, name: str) -> tuple[Any, str]:
        """What holds where nothing is typed, and whence it is."""
        action = self._options[name]
        if name in self.found:
            setting, value = self.found[name]
            return value, setting.source
        default = action.fallback if isinstance(action, PassOn) else action.default
        return default, "default"

    def _is_typed(self, options: Namespace, name: str) -> bool:
        action = self._options[name]
        if isinstance(action, PassOn):
            passed = {word.partition("=")[0] for word in options.passed}
            return f"--{name}" in passed or name in options.secrets
        value = getattr(options, action.dest)
        return value is not None and value is not _UNTYPED

    def _put(self, options: Namespace, action: argparse.Action, value: Any) -> None:
        if not isinstance(action, PassOn):
            setattr(options, action.dest, value)
        elif value is not False:
            action(self._parser, options, [] if value is True else value)

    def _default(self, name: str) -> Any:
        action, default = self._options[name], self._defaults[name]
        return self._parser._get_value(action, default) if isinstance(default, str) else default


def configuration(parser: argparse.ArgumentParser, command: str) -> Configuration | None:
    """What is set for a command, ready for its words; None where nothing is.

    Says what is ignored; raises `WrongInput`.
    """
    own = subparser(parser, command)
    if not options_of(own):
        return None
    found = Configuration(own, command, read_settings())
    for line in found.ignored():
        warn(line)
    if not found.found:
        return None
    found.open()
    return found


def check_keys(settings: Settings, command: str, options: Mapping[str, argparse.Action]) -> None:
    """Refuse what is no key of the command, or no table; raises `SettingError`."""
    for table, value in settings.tables.items():
        if isinstance(value, dict) and table not in COMMANDS:
            raise SettingError(f"{settings.file}: {table}: unknown table")
    for name, setting in settings.keys(command):
        if name not in options:
            others = "; Locust's own are for locust.conf" if command in OF_LOAD else ""
            raise setting.wrong(f"unknown key{others}")
    left = {name: setting for name, setting in settings.keys("") if name not in options}
    for other in ("load", "conformance", *COMMANDS):
        if not left:
            return
        if other != command:
            known = options_of(subparser(build_parser([other]), other))
            left = {name: setting for name, setting in left.items() if name not in known}
    for setting in left.values():
        raise setting.wrong("unknown key")


def converted(
    parser: argparse.ArgumentParser, action: argparse.Action, name: str, setting: Setting
) -> Any:
    """The value as the option would have it; raises `SettingError`."""
    if action.nargs == 0:
        return setting.switch()
    if isinstance(action, PassOn):
        several = name in REPEATED
        text = "\n".join(setting.texts(several=several, numbers=_takes_numbers(action)))
        try:
            check(name, text)
        except OptionError as error:
            raise setting.wrong(str(error).removeprefix(f"--{name} ")) from None
        return text
    several = isinstance(action, argparse._AppendAction) or action.nargs is not None
    texts = setting.texts(several=several, numbers=_takes_numbers(action))
    if isinstance(action.nargs, int) and len(texts) != action.nargs:
        raise setting.wrong(f"must be a list of {action.nargs}")
    try:
        values = [parser._get_value(action, text) for text in texts]
        for value in values:
            parser._check_value(action, value)
    except argparse.ArgumentError as error:
        raise setting.wrong(error.message) from None
    return values if several else values[0]


def _takes_numbers(action: argparse.Action) -> bool:
    return action.metavar not in _TEXTS and (
        isinstance(action, PassOn) or action.type not in (None, Path)
    )


def words_of(action: argparse.Action, name: str, value: Any) -> list[str]:
    """What would be typed for a value."""
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    if isinstance(value, list) and action.nargs is not None:
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={each}" for each in (value if isinstance(value, list) else [value])]
