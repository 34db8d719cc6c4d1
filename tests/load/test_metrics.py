"""The numbers of a run as other programs take them: OpenMetrics, OTLP, and what Grafana draws."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sockproof.load.metrics import openmetrics, otlp
from sockproof.load.metrics.families import MOST_NAMED, Kind, families
from sockproof.shelves import shelf
from sockproof.targets.launch import free_port
from sockproof.vocabulary import VIOLATIONS
from tests.load.collector import collector
from tests.load.command import command, result
from tests.load.test_live import gathered, told
from tests.sample import rotating
from tests.waiting import LIMIT, SOON

PROTOCOLS = ("http/protobuf", "grpc")


def numbers(verdict: dict[str, Any] | None = None, **processes: Any) -> dict[str, Any]:
    delivered = processes.pop("delivered", {}).items()
    named = [(message, of, counts) for (message, of), counts in delivered]
    found = gathered(**processes)
    more: dict[str, Any] = {"named": {"ack": found.named_histograms(), "delivery": named}}
    more |= {"histograms": found.histograms()}
    more |= {"users": 10, "verdict": verdict}
    return {**found.numbers(101.0), **more}


def samples(page: bytes) -> dict[str, float]:
    """Each sample of a page by its name and labels, as Prometheus' own parser reads them."""
    return {
        f"{each.name}{each.labels or ''}": each.value
        for family in text_string_to_metric_families(page.decode())  # type: ignore[no-untyped-call]
        for each in family.samples
    }


def test_page_has_what_all_processes_counted() -> None:
    one, two = told(10, messages=200, connect_failures=1), told(40, messages=200, corrupted=2)
    found = samples(openmetrics.page(numbers(one=one, two=two)))
    assert found["sockproof_emitted_total"] == 4000
    assert found["sockproof_receipts_total"] == 20_000
    assert found["sockproof_connect_failures_total"] == 1
    assert found["sockproof_corrupted_total"] == 2
    assert found["sockproof_sent_bytes_total"] == 0
    assert found["sockproof_connections"] == 20
    assert found["sockproof_lag_seconds"] == pytest.approx(0.003)
    assert found["sockproof_memory_bytes"] == 128 << 20
    assert found["sockproof_cpu_ratio"] == 0.25
    assert found["sockproof_users"] == 10
    assert found["sockproof_processes{'state': 'running'}"] == 2
    assert found["sockproof_phase{'phase': 'measured'}"] == 1
    assert found["sockproof_phase{'phase': 'ramp'}"] == 0
    assert not any("lost_total" in name for name in found)  # which is known at the end


def test_latencies_are_histograms_that_add_up() -> None:
    one, two = told(10, messages=200), told(40, messages=200)
    found = samples(openmetrics.page(numbers(one=one, two=two)))
    label = "{'from': 'intended', 'le': '%s'}"
    buckets = "sockproof_delivery_latency_seconds_bucket" + label
    assert found[buckets % "0.005"] == 0
    assert found[buckets % "0.025"] == 2000
    assert found[buckets % "0.05"] == found[buckets % "+Inf"] == 4000
    name = "sockproof_delivery_latency_seconds_{}{{'from': 'intended'}}"
    assert found[name.format("count")] == 4000
    assert found[name.format("sum")] == pytest.approx(2000 * 0.05, rel=0.01)
    ramp = "sockproof_ack_latency_seconds_bucket" + label
    assert found[ramp % "0.0001"] == 100  # the ramp's are in, too


def test_acknowledgements_are_told_by_name_and_class() -> None:
    one = told(10)
    one["parts"] = [['say "hi"', "Visitor", {"200": 3}], ["enter", "Visitor", {"200": 1}]]
    found = samples(openmetrics.page(numbers(one=one, two={**one})))
    name = "sockproof_message_ack_latency_seconds_count"
    labels = {"class": "Visitor", "from": "intended", "message": 'say "hi"'}
    counted = {key: value for key, value in found.items() if key.startswith(name)}
    assert counted[f"{name}{labels}"] == 6
    assert sum(counted.values()) == 8
    one["parts"] = [[f"event {number}", "Visitor", {"200": 1}] for number in range(1000)]
    many = samples(openmetrics.page(numbers(one=one)))
    assert sum(key.startswith(name) for key in many) == MOST_NAMED


def test_deliveries_are_told_by_name_and_class() -> None:
    delivered = {("say", "Guest"): {"200": 3}, ("say", "Member"): {"200": 2}}
    found = samples(openmetrics.page(numbers(one=told(10), delivered=delivered)))
    name = "sockproof_message_delivery_latency_seconds_count"
    labels = {"class": "Guest", "from": "intended", "message": "say"}
    assert found[f"{name}{labels}"] == 3
    assert found[f"{name}{labels | {'class': 'Member'}}"] == 2
    assert not any(name in each for each in samples(openmetrics.page(numbers(one=told(10)))))


STRANGE = (
    'a"} 1\nsockproof_lost_total 5\n# EOF\n',
    "\\",
    "\ud800",
    "\0\x1b[31m",
    "x" * 300_000,
    "",
)


def test_names_of_any_characters_are_labels_and_nothing_else() -> None:
    one = told(10)
    one["parts"] = [[name, name, {"200": 1}] for name in (*STRANGE, "\\ud800")]
    page = openmetrics.page(numbers(one=one))
    found = samples(page)
    name = "sockproof_message_ack_latency_seconds_count"
    counts = {key: value for key, value in found.items() if key.startswith(name)}
    assert len(counts) == len(STRANGE)
    assert sum(counts.values()) == len(STRANGE) + 1
    assert "sockproof_lost_total" not in found
    assert len(page) < 1_000_000
    line = otlp.message(numbers(one=one), 1, 2)
    assert encode_metrics(otlp.data(json.loads(line))).SerializeToString()


def test_verdict_brings_what_only_the_checker_counts() -> None:
    counts: dict[str, int] = {**dict.fromkeys(VIOLATIONS, 0), "lost": 3, "corrupted": 1}
    verdict = {"sentence": "", "exit_code": 1, "counts": counts}
    found = samples(openmetrics.page(numbers(verdict, one=told(10, messages=200))))
    assert found["sockproof_exit_code"] == 1
    assert found["sockproof_lost_total"] == 3
    assert found["sockproof_corrupted_total"] == 1


def test_page_before_any_run_is_one() -> None:
    found = samples(openmetrics.page(numbers()))
    assert found["sockproof_processes{'state': 'running'}"] == 0
    assert "sockproof_emitted_total" not in found


def test_page_that_is_cut_is_noticed() -> None:
    page = openmetrics.page(numbers(one=told(10, messages=200)))
    with pytest.raises(ValueError, match="EOF"):
        samples(page[:-6])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_collector_gets_what_the_page_has(protocol: str) -> None:
    one, two = told(10, messages=200), told(40, messages=200)
    line = otlp.message(numbers(one=one, two=two), since=1, now=2)
    with collector(protocol) as (found, variables):
        done = subprocess.run(
            [sys.executable, "-m", "sockproof.load.metrics.otlp"],
            input=line,
            env={**os.environ, **variables, "OTEL_SERVICE_NAME": "chat"},
            capture_output=True,
            check=False,
            timeout=LIMIT,
        )
    assert done.returncode == 0, done.stderr
    (metrics,) = found.exports
    assert found.resources[0]["service.name"] == "chat"
    (point,) = metrics["sockproof.emitted"].sum.data_points
    assert (point.as_int, point.start_time_unix_nano, point.time_unix_nano) == (4000, 1, 2)
    assert metrics["sockproof.emitted"].sum.is_monotonic
    assert metrics["sockproof.sent"].unit == "By"
    latency = metrics["sockproof.delivery_latency"]
    (point,) = latency.histogram.data_points
    assert latency.unit == "s"
    assert point.count == sum(point.bucket_counts) == 4000
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert point.bucket_counts[list(point.explicit_bounds).index(0.01)] in (0, 2000)
    assert point.max == pytest.approx(0.04, rel=0.01)


def test_collector_that_is_away_holds_nothing_up() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "sockproof.load.metrics.otlp"],
        input=otlp.message(numbers(one=told(10)), since=1, now=2),
        env={**os.environ, **variables, "OTEL_EXPORTER_OTLP_ENDPOINT": nowhere},
        capture_output=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("processes", rotating([1, 2], 2, "told"))
def test_run_without_a_page_is_told_while_it_goes_on(processes: int, tmp_path: Path) -> None:
    """A master serves the sum of its workers."""
    port = free_port()
    words = ["echo", "--users", "4", "--rate", "20", "--run-time", "5m"]
    words += ["--processes", str(processes), "--metrics-port", str(port), "--otel", "--no-report"]
    with collector("http/protobuf") as (exported, variables):
        process = subprocess.Popen(
            command(tmp_path, *words),
            env={**os.environ, **variables, "OTEL_LOGS_EXPORTER": "none"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        found: dict[str, float] = {}
        deadline = time.monotonic() + LIMIT
        all_of_them = "sockproof_processes{'state': 'running'}"
        while time.monotonic() < deadline:
            if found.get(all_of_them) == processes and found["sockproof_connections"]:
                break
            time.sleep(0.2)
            assert process.poll() is None, process.communicate()[0]
            with contextlib.suppress(OSError):
                url = f"http://127.0.0.1:{port}/metrics"
                found = samples(urllib.request.urlopen(url, timeout=SOON).read())
        process.send_signal(signal.SIGINT)  # the last export is behind the drain even so
        output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    assert f"http://127.0.0.1:{port}/metrics" in output
    assert 0 < found["sockproof_connections"] <= 4
    summary = result(tmp_path, 130, output).summary
    acknowledged = summary["counts"]["acknowledged"]
    assert found["sockproof_acknowledged_total"] <= acknowledged
    (point,) = exported.exports[-1]["sockproof.acknowledged"].sum.data_points
    # Once workers are told to end, Locust's master hears no more of them.
    assert (acknowledged if processes == 1 else 1) <= point.as_int <= acknowledged


@pytest.mark.parametrize("place", ["nine", "127.0.0.1:99999", "203.0.113.9:9646"])
def test_place_of_no_use_is_one_line(place: str, tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "echo", "http://127.0.0.1:9/", "--metrics-port", place),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "--metrics-port" in done.stdout + done.stderr


def unknown_names(dashboard: str) -> set[str]:
    """What a dashboard asks for and no page has."""
    verdict = {"sentence": "", "exit_code": 0, "counts": dict.fromkeys(VIOLATIONS, 0)}
    known = set()
    told_of = told(10, messages=200)
    told_of["health"]["now"] |= {"target_cpu_percent": 1.0, "target_rss_mib": 1.0}
    for family in families(numbers(verdict, one=told_of)):
        ends = {Kind.COUNTER: ("_total",), Kind.GAUGE: ("",)}
        histogram = ("_bucket", "_sum", "_count")
        known |= {f"{family.name}{end}" for end in ends.get(family.kind, histogram)}
    asked = {
        name
        for panel in json.loads(dashboard)["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(r"\bsockproof_\w+", target["expr"])
    }
    assert len(asked) > 10
    return asked - known


def test_dashboard_asks_for_what_there_is() -> None:
    text = (shelf("ci") / "grafana-dashboard.json").read_text()
    assert unknown_names(text) == set()
    assert unknown_names(text.replace("sockproof_emitted_total", "sockproof_emitted")) == {
        "sockproof_emitted"
    }
