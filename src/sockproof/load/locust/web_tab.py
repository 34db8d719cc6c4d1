"""The tab `sockproof` of Locust's web page, and the same numbers at `/sockproof/live.json`.

Locust's page draws the table; its rows travel with the statistics that the page asks for. Workers
send their numbers along with their own statistics. Once a run is summed up, the tab has its
verdict, and `/sockproof/report.html` is its report.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sockproof import files
from sockproof.formats.load import Part, Summary
from sockproof.load.locust.options import RUN
from sockproof.load.metrics import openmetrics
from sockproof.load.record.deliveries import Delivered, Deliveries
from sockproof.load.record.live import WINDOW, Gathered, by_part
from sockproof.load.record.live_rows import rows
from sockproof.runs.breakdown import By
from sockproof.runs.load_records import REPORT_FILE, SUMMARY_FILE
from sockproof.vocabulary import (
    MAX_MS,
    OF_A_SECOND,
    VIOLATIONS,
    Counter,
    LatencyKind,
    Origin,
)

KEY = "sockproof"
_ACK, _DELIVERY = LatencyKind.ACK.value, LatencyKind.DELIVERY.value
_COLUMNS = {
    "what": "What",
    "unit": "Unit",
    "now": f"Last {WINDOW:g} s".replace(" ", "\N{NO-BREAK SPACE}"),
    "measured": "Measured part",
    "start": "Since the start",
    "remark": "Remark",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last run came to: a sentence and the exit code, once it is summed up."""

    sentence: str
    code: int
    folder: Path
    counts: Mapping[str, int]  # of each violation; empty where nothing could be summed up
    deliveries: Mapping[str, Mapping[str, Any]]  # receipts and latencies by message and by class

    @classmethod
    def of(cls, folder: Path, said: str, code: int) -> Verdict:
        """What the summary of a folder comes to; its first line is the sentence."""
        counts: dict[str, int] = {}
        deliveries: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(files.FileError):
            found = files.read_json(folder / SUMMARY_FILE, Summary, 16 * files.MIB)
            counts = {name.value: found.counts.get(name, 0) for name in VIOLATIONS}
            deliveries = {
                By.NAME: {name: _delivered(part) for name, part in found.names.items()},
                By.CLASS: {name: _delivered(part) for name, part in found.classes.items()},
            }
        return cls(said.partition("\n")[0].rstrip(":"), code, folder, counts, deliveries)


def _delivered(part: Part) -> dict[str, Any]:
    latency = part.latency.get(LatencyKind.DELIVERY, {}).get(Origin.INTENDED, {})
    values = {name: latency.get(name) for name in (*(each.ms for each in OF_A_SECOND), MAX_MS)}
    return {Counter.RECEIPTS.value: part.counts.get(Counter.RECEIPTS, 0), **values}


class Tab:
    """What this process shows or, as a worker, tells."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._gathered = Gathered(0)
        self._deliveries = Deliveries()
        self.since = time.time_ns()  # when this run was first heard of

    def tell(self, data: dict[str, Any], **_: Any) -> None:
        """A worker's report is about to leave."""
        live = self._environment.sockproof.live
        if live is not None:
            data[KEY] = live.told()

    def hear(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """A worker's report is in."""
        if KEY in data:
            self._of_this_run().hear(client_id, data[KEY], time.monotonic())

    def numbers(self) -> dict[str, Any]:
        """The numbers of all processes together, now."""
        gathered, now = self._of_this_run(), time.monotonic()
        live = self._environment.sockproof.live  # a master has none
        if live is not None:
            gathered.hear("this process", live.told(), now)
        deliveries = by_part(self._delivered())
        return {**gathered.numbers(now), "deliveries": deliveries, "verdict": self._verdict()}

    def _delivered(self) -> list[Delivered]:
        return self._deliveries.told(self._environment.sockproof.folder)

    def metrics(self) -> dict[str, Any]:
        """What `load.metrics` tells other programs."""
        numbers, runner = self.numbers(), self._environment.runner
        users = 0 if runner is None else runner.user_count
        more = {"histograms": self._gathered.histograms(), "users": users}
        delivered = [(name, of, counts) for name, of, _, counts in self._delivered()]
        named = {_ACK: self._gathered.named_histograms(), _DELIVERY: delivered}
        return {**numbers, **more, "named": named}

    def server(self) -> str:
        """What the target says that it is."""
        self.numbers()
        return self._gathered.server()

    def _verdict(self) -> dict[str, Any] | None:
        """What the last run came to; None while none is summed up."""
        found = self._environment.sockproof.verdict
        if found is None:
            return None
        return {
            "sentence": found.sentence,
            "exit_code": found.code,
            "counts": found.counts,
            "deliveries": found.deliveries,
            "folder": str(found.folder),
        }

    def openmetrics(self) -> Response:
        """The numbers as Prometheus scrapes them."""
        return Response(openmetrics.page(self.metrics()), content_type=openmetrics.CONTENT_TYPE)

    def report(self) -> Response:
        """The report of the last run."""
        found = self._environment.sockproof.verdict
        page = None if found is None else found.folder / REPORT_FILE
        if page is None or not page.is_file():
            return Response("there is no report yet", 404, mimetype="text/plain")
        return Response(page.read_bytes(), mimetype="text/html")

    def _of_this_run(self) -> Gathered:
        number = getattr(self._environment.parsed_options, RUN, 0)
        if self._gathered.run != number:
            self._gathered, self.since = Gathered(number), time.time_ns()
        return self._gathered

    def show(self, web_ui: Any) -> None:
        """Add the tab and its numbers to the page."""
        structure = [{"key": key, "title": title} for key, title in _COLUMNS.items()]
        web_ui.template_args |= {
            "extended_tabs": [
                *web_ui.template_args.get("extended_tabs", ()),
                {"title": KEY, "key": KEY},
            ],
            "extended_tables": [
                *web_ui.template_args.get("extended_tables", ()),
                {"key": KEY, "structure": structure},
            ],
        }
        base = self._environment.parsed_options.web_base_path
        blueprint = Blueprint(KEY, __name__, url_prefix=f"{base or ''}/{KEY}")

        views = {
            "live.json": lambda: jsonify(self.numbers()),
            "metrics": self.openmetrics,
            REPORT_FILE: self.report,
        }
        for name, view in views.items():
            guarded = web_ui.auth_required_if_enabled(view)
            blueprint.add_url_rule(f"/{name}", name.partition(".")[0], guarded)
        web_ui.app.register_blueprint(blueprint)
        web_ui.app.after_request(self._extend)

    def _extend(self, response: Response) -> Response:
        """Add the rows to Locust's statistics, which it keeps for a while: they may be in."""
        if request.endpoint == "locust.request_stats" and response.is_json:
            value = response.get_json()
            others = [each for each in value.get("extended_stats", ()) if each["key"] != KEY]
            value["extended_stats"] = [*others, {"key": KEY, "data": rows(self.numbers())}]
            response.set_data(json.dumps(value))
        return response


def install(environment: Any) -> Tab:
    """Let a process show the tab, and its workers tell their numbers."""
    tab = Tab(environment)
    environment.events.report_to_master.add_listener(tab.tell)
    environment.events.worker_report.add_listener(tab.hear)
    if environment.web_ui is not None:
        tab.show(environment.web_ui)
    return tab
