"""The JSON schemas of all formats, made of their records: `python -m sockproof.formats.schema`.

They travel as files, so that one is printed without its record being imported.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("schemas")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Format(NamedTuple):
    """A format: its record, and where it is met."""

    record: str  # module and class
    of: str


FORMATS = {
    "ab": Format("judgements.Comparison", "ab.json, of `sockproof ab`"),
    "calibration": Format("judgements.Calibration", "calibration.json, of `sockproof calibrate`"),
    "capacity": Format("judgements.Capacity", "capacity.json, of `sockproof capacity`"),
    "compare": Format("judgements.Compared", "compare.json, of `sockproof compare` of load runs"),
    "conformance-report": Format("report.Report", "report.json, of `sockproof conformance`"),
    "conformance-run": Format("report.RunLine", "a line of run.jsonl, of `sockproof conformance`"),
    "driver": Format("tables.DriverFile", "driver.toml, of drivers/"),
    "ended": Format("load.Ended", "ended.json, of a load run that a rule has ended"),
    "expectations": Format("tables.ExpectationsFile", "TOML for --expect"),
    "gate": Format("judgements.Gate", "gate.json, of `sockproof gate` of one run"),
    "gates": Format("judgements.Gates", "what `sockproof gate --json` writes of several runs"),
    "load-clock": Format("load.ClockLine", "a line of clock-TAG.jsonl, of a load run"),
    "load-health": Format("load.HealthLine", "a line of health-TAG.jsonl, of a load run"),
    "load-latency": Format("load.LatencyLine", "a line of latency-TAG and delivery-TAG.jsonl"),
    "load-rooms": Format("load.RoomLine", "a line of rooms-TAG.jsonl, of a load run"),
    "load-run": Format("load.About", "run.json, of a load run"),
    "load-summary": Format("load.Summary", "summary.json, of a load run"),
    "matrix": Format("judgements.Matrix", "matrix.json, of `sockproof matrix`"),
    "profile": Format("tables.ProfileFile", "TOML for --profile"),
    "requirements": Format("tables.RequirementsFile", "TOML of conformance/requirements/"),
    "rules": Format("tables.RulesFile", "TOML for --rules, of gates/"),
    "site": Format("site.Site", "results.json, of `sockproof site`"),
    "study": Format("judgements.Study", "study.json, of `sockproof study`"),
    "target": Format("tables.TargetFile", "target.toml, of targets/"),
    "violations": Format("load.Violation", "a line of violations.jsonl, of a load run"),
}


def path_of(name: str) -> Path:
    """Where a format's schema is shipped."""
    return FOLDER / f"{name}.schema.json"


def record_of(name: str) -> Any:
    """The type that a format is read as."""
    module, _, record = FORMATS[name].record.partition(".")
    return getattr(importlib.import_module(f"sockproof.formats.{module}"), record)


def generated(name: str) -> str:
    """A format's schema, as its file should have it."""
    import msgspec

    made = msgspec.json.schema(record_of(name))
    schema = {"$schema": DIALECT, "title": FORMATS[name].of, **made}
    for definition in schema.get("$defs", {}).values():
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them anew."""
    FOLDER.mkdir(exist_ok=True)
    for name in FORMATS:
        path_of(name).write_text(generated(name), encoding="utf-8")


if __name__ == "__main__":
    main()
