"""The reference: help of the commands, JSON schemas, names of metrics, and the Python API."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docs.site.markdown import code, literal, prose, table

import sockproof
from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.formats.schema import FORMATS, path_of
from sockproof.vocabulary import Counter, Gauge, LatencyKind, Property

SOURCE = Path(sockproof.__file__).parent
WIDTH = "92"  # columns that a page 1280 pixels wide shows
_LINE = 80  # of a signature


def pages() -> dict[str, str]:
    """All of them, by their place."""
    return {
        "reference/commands.md": _commands(),
        **{f"reference/commands/{name}.md": _command(name) for name in COMMANDS},
        "reference/schemas.md": _schemas(),
        **{f"reference/schemas/{name}.md": _schema(name) for name in FORMATS},
        "reference/metrics.md": _metrics(),
        "reference/python.md": _python(),
    }


def _tree(names: Iterable[str]) -> str:
    listed = "\n".join(names)
    return f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def _commands() -> str:
    rows = [(f"[{name}](commands/{name}.md)", literal(what)) for name, what in COMMANDS.items()]
    codes = build_parser([]).epilog or ""
    return (
        "# Commands\n\n"
        + table(("command", "purpose"), rows)
        + f"\n```text\n{codes}\n```\n"
        + _tree(f"commands/{name}" for name in COMMANDS)
    )


def _command(name: str) -> str:
    parser = build_parser([name])
    columns, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), WIDTH
    try:
        (commands,) = (each for each in parser._actions if each.dest == "command")
        choices: Any = commands.choices
        text = choices[name].format_help()
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return f"# sockproof {name}\n\n{literal(COMMANDS[name])}.\n\n```text\n{text.rstrip()}\n```\n"


# Schemas.


def _schemas() -> str:
    rows = [(f"[{n}](schemas/{n}.md)", prose(each.of)) for n, each in FORMATS.items()]
    return (
        "# JSON schemas\n\n`sockproof schema NAME` prints one. See [Files and formats]"
        "(../docs/files.md).\n\n"
        + table(("name", "of"), rows)
        + _tree(f"schemas/{name}" for name in FORMATS)
    )


def _schema(name: str) -> str:
    schema = json.loads(path_of(name).read_text(encoding="utf-8"))
    told = [f"# {name}\n", prose(FORMATS[name].of) + "\n"]
    definitions = {"": schema, **schema.get("$defs", {})}
    for title, each in definitions.items():
        if not each.get("properties"):
            continue
        if title:
            told.append(f"## {literal(title)}\n")
        if each.get("description"):
            told.append(prose(each["description"]) + "\n")
        needed = each.get("required", ())
        rows = [
            (code(key), literal(_type(value)), "yes" if key in needed else "", _says(value))
            for key, value in each["properties"].items()
        ]
        told.append(table(("key", "type", "required", "meaning"), rows))
    return "\n".join(told)


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(_type(each) for each in value["anyOf"])
    if "enum" in value:
        return ", ".join(json.dumps(each) for each in value["enum"])
    if value.get("type") == "array":
        return f"array of {_type(value.get('items') or {})}" if value.get("items") else "array"
    return str(value.get("type", "anything"))


def _says(value: dict[str, Any]) -> str:
    return prose(value.get("description", ""))


def _metrics() -> str:
    told = [
        "# Counters, properties and latencies\n",
        "The names in summaries, rules and exports.\n",
    ]
    for title, kind in (
        ("Counters", Counter),
        ("Properties", Property),
        ("Gauges", Gauge),
        ("Latencies", LatencyKind),
    ):
        rows = [(code(str(each)), *_meaning(each)) for each in kind]
        told += [f"## {title}\n", table(("name", "label", "meaning"), rows)]
    return "\n".join(told)


def _meaning(member: Any) -> tuple[str, str]:
    return literal(getattr(member, "label", "")), literal(getattr(member, "help", ""))


# Python.


def _python() -> str:
    told = [
        "# Python API\n",
        "How it is used is in [sockproof in Python programs](../docs/python-api.md) and"
        " [Scenarios](../docs/scenarios.md).\n",
    ]
    for name, path in (("judge", "api/judge.py"), ("load", "api/load.py")):
        told += _described(f"sockproof.{name}", _definitions(SOURCE / path)[name])
    told.append("## For locustfiles: sockproof.load.users\n")
    for name, node in _of_users():
        told += _described(name, node, "###")
    return "\n".join(told)


Definition = ast.ClassDef | ast.FunctionDef


def _definitions(path: Path) -> dict[str, Definition]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, Definition)}


def _of_users() -> Iterable[tuple[str, Definition]]:
    """The public classes and functions; the module is not imported, for that patches sockets."""
    tree = ast.parse((SOURCE / "load" / "users" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            path = SOURCE / f"{node.module.removeprefix('sockproof.').replace('.', '/')}.py"
            found = _definitions(path)
            yield from ((each.name, found[each.name]) for each in node.names if each.name in found)


def _described(name: str, node: Definition, heading: str = "##") -> list[str]:
    told = [f"{heading} {literal(name)}\n", f"```python\n{_signature(name, node)}\n```\n"]
    told.append(_prose(ast.get_docstring(node) or ""))
    if isinstance(node, ast.ClassDef):
        for each in node.body:
            if not isinstance(each, ast.FunctionDef) or each.name.startswith("_"):
                continue
            if says := ast.get_docstring(each):
                first = " ".join(says.partition("\n\n")[0].split())
                told.append(f"* {code(_signature(each.name, each, most=0))}: {prose(first)}")
        told.append("")
    return told


def _signature(name: str, node: Definition, most: int = _LINE) -> str:
    """As it is called; where it is longer than `most`, unless that is 0, a line for each."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {name}({bases})" if bases else f"class {name}"
    given = [each for each in node.args.args if each.arg in ("self", "cls")]
    for each in given:
        node.args.args.remove(each)
    # `unparse` leaves no blanks around the default of what has a type.
    words = re.sub(r"(\w+: [^=]*?)=", r"\1 = ", ast.unparse(node.args))
    if most and len(name) + len(words) > most:
        words = "\n    " + re.sub(r", (?=\*|\w+:)", ",\n    ", words) + ",\n"
    text = f"{name}({words})"
    if node.returns is not None:
        text += f" -> {ast.unparse(node.returns)}"
    return text


def _prose(text: str) -> str:
    """A docstring, whose indented parts are code and whose backticks are Markdown's."""
    told = []
    for part in inspect.cleandoc(text).split("\n\n"):
        indented = all(line.startswith("    ") for line in part.splitlines() if line)
        told.append(f"```text\n{part}\n```" if indented and part else part)
    return "\n\n".join(told) + "\n"
