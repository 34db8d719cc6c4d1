"""One of each file that any command reads, for `damage_run.py` to damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

RULES = """
min_samples = 10
[[rule]]
that = "counts.lost == 0"
[[rule]]
that = "latency.ack.intended.p50_ms <= 5"
window = "2s"
[[rule]]
that = "latency.ack.intended.p90_ms <= 50"
grace = "1s"
[[rule]]
that = "counts.ack_timeouts <= 5"
window = "3s"
[[rule]]
that = "conformance.unexpected >= 0"
"""
EXPECTATIONS = """
[server]
version = "websockets 17.4"

[[expectation]]
case = ["websocket/close/*", "websocket/control/*"]
outcome = "FAIL"
reason = "It is so."
sometimes = true
"""
PROFILE = """
[profile]
capabilities = ["echo", "push"]
secret_query = ["access_token"]
path = "/socket.io/"

[profile.limits]
max_message = 1048576
"""
CONFIGURATION = """
timeout = 5
[load]
users = 20
run-time = "10s"
header = ["X-Tenant: a", "X-Other: b"]
[conformance]
suite = ["websocket"]
case = ["*ping*"]
[gate]
rules = "../rules.toml"
[report]
[schema]
"""
PROJECT = """
[project]
name = "mine"
[tool.locust]
users = 5
[tool.sockproof]
timeout = 5
[tool.sockproof.load]
run-time = "10s"
[tool.sockproof.gate]
rules = "../rules.toml"
"""


def make_samples(place: Path) -> None:
    """One of each file that any command reads."""
    from sockproof import shelves
    from sockproof.analysis.statistics.calibration import calibration
    from sockproof.analysis.statistics.sequential import Design
    from sockproof.files import json_text
    from sockproof.formats.judgements import CalibrationPoint
    from sockproof.runs.records import to_json
    from sockproof.targets.certificates import make_certificates
    from tests.analysis.samples import P50, summary
    from tests.damage_hosts import hosts_run
    from tests.render import sample
    from tests.render.load_sample import run_folder
    from tests.render.test_ab import compared, run
    from tests.site_sample import run as matrix_run
    from tests.study import found

    for name in ("cases", "more", "study", "compared", "stored", "noise", "certificates"):
        (place / name).mkdir(parents=True)
    sample.write_run(place / "cases/run.jsonl")
    matrix_run(place / "matrices", 1, {"one": ("One 1.0", sample.sample())})
    for name in ("cases", "more"):
        (place / name / "report.json").write_text(to_json(sample.sample()))
    for name in ("load", "base"):
        run_folder(place / name)
        run_folder(place / name)  # a second process
        for kind in ("rows", "latency", "health", "rooms"):
            for number, path in enumerate(sorted((place / name).glob(f"{kind}-*"))):
                (place / name / f"{kind}-{number}").symlink_to(path.name)
    hosts_run(place)
    for name, text in (
        ("configured/sockproof.toml", CONFIGURATION),
        ("project/pyproject.toml", PROJECT),
    ):
        (place / name).parent.mkdir()
        (place / name).write_text(text)
    (place / "project/locust.conf").write_text("users = 5\nloglevel: INFO\n")
    note = {"that": "counts.lost == 0", "value": 3.0, "second": 4.0}
    (place / "load/ended.json").write_text(json.dumps(note))
    points = [
        CalibrationPoint(delay, 500.0, delay, delay + 1, delay + 0.1, None, True)
        for delay in (0, 10)
    ]
    value = calibration(points, points, "2026-01-01T00:00:00.000Z")
    (place / "calibration.json").write_text(json_text(value))
    design = {**vars_of(Design((P50,))), "seed": 1}
    pairs = compared(*((1.0 + n / 100, 1.01 + n / 90) for n in range(8)))
    groups = {
        side: [{**run(summary(base + n / 50), f"{side}{n}"), "warm_up": n == 0} for n in range(6)]
        for side, base in (("a", 1.0), ("b", 1.2))
    }
    head = {"schema": 1, "started": "2026-01-01T00:00:00.000Z", "design": design}
    documents = {
        "compared": {**head, **pairs},
        "stored": {**head, "mode": "stored", "paired": False, "groups": groups},
        "noise": {**head, "mode": "aa", "groups": {"a": groups["a"] * 4}},
    }
    for name, document in documents.items():
        (place / name / "ab.json").write_text(json.dumps(document))
    (place / "study/study.json").write_text(json.dumps(study(found)))
    for name, text in (
        ("rules.toml", RULES),
        ("known.toml", EXPECTATIONS),
        ("profile.toml", PROFILE),
    ):
        (place / name).write_text(text)
    made = make_certificates(place / "certificates")
    shutil.copy(made.ca, place / "ca.pem")
    for name in shelves.SHELVES:
        source = shelves.shelf(name)
        if name == "conformance":
            (place / "shelf" / name).mkdir(parents=True)
            for each in source.iterdir():
                if each.name == "requirements":
                    shutil.copytree(each, place / "shelf" / name / each.name)
                else:
                    (place / "shelf" / name / each.name).symlink_to(each)
        elif name == "targets":
            shutil.copytree(source / "websockets", place / "shelf/targets/websockets")
        else:
            (place / "shelf" / name).symlink_to(source)


def vars_of(design: Any) -> dict[str, Any]:
    """A design as its document has it."""
    from dataclasses import asdict

    return {**asdict(design), "metrics": list(design.metrics)}


def study(found: Any) -> dict[str, Any]:
    from sockproof.analysis.statistics.calibration import machine
    from sockproof.cli.study_report import SCHEMA
    from sockproof.shelves import shelf
    from sockproof.study.claim import load_claims

    claims = []
    for claim in load_claims(shelf("study")):
        value = getattr(found, claim.name.upper())
        told = claim.conclude(value)
        claims.append(
            {
                **{name: getattr(claim, name) for name in ("name", "number", "title", "says")},
                **{"method": claim.method, "seconds": 1.5, "verdict": str(told.verdict)},
                **{"sentence": told.sentence, "head": list(told.head), "found": value},
                "rows": [list(row) for row in told.rows],
            }
        )
    head = {"schema": SCHEMA, "sockproof": "0.1.0", "started": "2026-01-01T00:00:00.000Z"}
    return {**head, "machine": machine(), "quick": True, "claims": claims[:3]}
