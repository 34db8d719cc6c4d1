"""`sockproof completion`: the script with which a shell completes what is typed."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from sockproof import shelves
from sockproof.cli.arguments import build_parser

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """\
examples:
  sockproof completion bash > ~/.local/share/bash-completion/completions/sockproof
  sockproof completion zsh > ~/.zfunc/_sockproof    # with ~/.zfunc in fpath
  sockproof completion fish > ~/.config/fish/completions/sockproof.fish"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "shell", choices=SHELLS, metavar="SHELL", help=f"shell: {', '.join(SHELLS)}"
    )


def completion(options: Namespace) -> int:
    """Print the script."""
    import shtab

    parser = build_parser()
    scenario = _scenario()
    for command in _parsers(parser):
        for action in command._actions:
            if command.prog.endswith(" target") and not action.option_strings:
                action.choices = _names("targets", "*/target.toml")
            _teach(action, scenario, shtab.FILE, shtab.DIRECTORY)
    print(shtab.complete(parser, options.shell))
    return 0


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)


def _teach(action: Any, scenario: Any, file: Any, folder: Any) -> None:
    """Say what stands for an argument: names of a shelf, files, or folders."""
    if action.dest == "scenario":
        action.complete = scenario
    elif "--target" in action.option_strings:
        action.choices = _names("targets", "*/target.toml")
    elif action.metavar == "FILE" or "--rules" in action.option_strings:
        action.complete = file
    elif action.metavar in ("DIR", "RUN"):
        action.complete = folder


def _scenario() -> dict[str, Any]:
    """The name of a scenario, or a file."""
    names, function = " ".join(_names("locustfiles", "*.py")), "_sockproof_scenario"
    bash = f'{function}() {{ compgen -W "{names}" -- "$1"; compgen -f -- "$1"; }}'
    zsh = f"{function}() {{ compadd {names}; _files; }}"
    fish = f"(printf '%s\\n' {names}; __fish_complete_path (commandline -ct))"
    return {
        "bash": function,
        "zsh": function,
        "fish": fish,
        "preamble": {"bash": bash, "zsh": zsh},
    }


def _names(shelf: str, glob: str) -> list[str]:
    found = shelves.shelf(shelf).glob(glob)
    return sorted(path.parent.name if path.name == "target.toml" else path.stem for path in found)
