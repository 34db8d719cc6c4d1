"""From the options of commands that judge servers to plans; nobody else looks at those options."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from sockproof.api.plans import JudgePlan
from sockproof.errors import CommandError
from sockproof.wire.given import auth_payload, header_field


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
        headers=_headers(options.header),
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
        "docs_url": options.docs_url,
        "shelf": options.shelf,
    }


def _headers(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(map(header_field, lines))
    except ValueError as error:
        raise CommandError(str(error)) from None


def _auth(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = auth_payload(text)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not isinstance(value, dict):
        raise CommandError('--auth must be a JSON object, as \'{"token": "…"}\'')
    return value
