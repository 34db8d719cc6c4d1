"""From the options of commands that judge servers to plans; nobody else looks at those options."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from sockproof.api.plans import JudgePlan
from sockproof.errors import CommandError
from sockproof.wire.http import is_token


def matrix_plan(options: Namespace) -> JudgePlan:
    """What `matrix` is told of the targets and cases, and how they run."""
    return JudgePlan(**_choice(options))


def judge_plan(options: Namespace) -> JudgePlan:
    """What `conformance` is told."""
    return JudgePlan(
        **_choice(options),
        url=options.url,
        profile=options.profile,
        path=options.path,
        namespace=options.namespace,
        headers=tuple(_header(line) for line in options.header),
        cookies=tuple(options.cookie),
        subprotocols=tuple(options.subprotocol),
        auth=_auth(options.auth),
        token=options.token,
        ca=options.ca,
        insecure=options.insecure,
    )


def _choice(options: Namespace) -> dict[str, Any]:
    """What the commands that judge servers have in common."""
    return {
        "targets": tuple(options.target),
        "suites": tuple(options.suite),
        "cases": tuple(options.case),
        "exclude": tuple(options.exclude),
        "expect": tuple(options.expect),
        "strict": options.strict,
        "jobs": options.jobs,
        "timeout": options.timeout,
        "max_time": options.max_time,
        "repeat": options.repeat,
        "thorough": options.thorough,
        "shuffle": options.shuffle,
        "shelf": options.shelf,
    }


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not is_token(name.strip()):
        raise CommandError(f"--header must be 'NAME: VALUE', not {len(line)} other characters")
    return name.strip(), value.strip()


def _auth(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--auth is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise CommandError('--auth must be a JSON object, as \'{"token": "…"}\'')
    return value
