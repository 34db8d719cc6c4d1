"""What `sockproof export` writes is read back by the programs that it is for."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.render.load_sample import LENGTH, run_folder
from tests.waiting import LIMIT

EMITTED = 100 * (LENGTH - 1)
MEASURED = 100 * (LENGTH - 3)


def export(*words: object) -> subprocess.CompletedProcess[bytes]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "export", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, timeout=LIMIT)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run", stall=6)


def test_csv_has_a_row_for_each_second(run: Path) -> None:
    done = export(run, "--format", "csv")
    assert done.returncode == 0, done.stderr
    frame = pd.read_csv(io.BytesIO(done.stdout))
    assert len(frame) == LENGTH
    assert round(frame["emitted_messages_per_s"].sum()) == EMITTED
    assert frame["ack_intended_p50_ms"].max() > 400


def test_parquet_is_the_same(run: Path, tmp_path: Path) -> None:
    done = export(run, "--format", "parquet", "--out", tmp_path / "run.parquet")
    assert done.returncode == 0, done.stderr
    frame = pd.read_parquet(tmp_path / "run.parquet")
    assert round(frame["emitted_messages_per_s"].sum()) == EMITTED


def test_openmetrics_is_read_by_its_parser(run: Path) -> None:
    text = export(run, "--format", "openmetrics").stdout.decode()
    assert text.endswith("# EOF\n")
    families = {each.name: each for each in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    assert families["sockproof_emitted"].samples[0].value == EMITTED
    samples = families["sockproof_ack_latency_seconds"].samples
    told = {
        (each.name.rpartition("_")[2], each.labels["from"], each.labels.get("le")): each.value
        for each in samples
    }
    assert told["bucket", "intended", "+Inf"] == told["count", "intended", None] == MEASURED
    assert told["bucket", "intended", "0.001"] == 0
    assert told["bucket", "intended", "0.0025"] == MEASURED - 100
    assert told["sum", "intended", None] == pytest.approx(0.002 * (MEASURED - 100) + 55, rel=0.02)


def test_hgrm_is_a_distribution_that_rises(run: Path) -> None:
    text = export(run, "--format", "hgrm", "--latency", "delivery").stdout.decode()
    rows = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
    values = [float(row[0]) for row in rows]
    shares = [float(row[1]) for row in rows]
    counts = [int(row[2]) for row in rows]
    assert values == sorted(values)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert counts[-1] == MEASURED
    assert rows[-1][3] == "inf"
    assert values[0] == pytest.approx(2, rel=0.01)
    assert values[-1] > 900
    assert f"Total count    = {MEASURED:12d}]" in text
    below = max(share for share, value in zip(shares, values, strict=True) if value < 3)
    assert below == pytest.approx((MEASURED - 100) / MEASURED, abs=0.05)


def test_latency_that_nobody_has_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    done = export(folder, "--format", "hgrm")
    assert done.returncode == 3
    assert b"has no ack latency" in done.stderr


@pytest.mark.parametrize(
    "words", [("missing", "--format", "csv"), (".", "--format", "nonsense"), (".",)]
)
def test_wrong_command_is_code_3(words: tuple[str, ...]) -> None:
    assert export(*words).returncode == 3


def test_file_that_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    done = export(run, "--format", "csv", "--out", tmp_path / "no" / "file")
    assert done.returncode == 3
    assert done.stderr.count(b"\n") == 1
