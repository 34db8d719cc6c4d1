"""The frames of a load run say what was recorded, second by second."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sockproof.analysis.timeline.frames import read
from sockproof.runs.load_records import SUMMARY_FILE, LoadRecordError
from tests.render.load_sample import LENGTH, run_folder


def test_each_second_has_what_happened_in_it(tmp_path: Path) -> None:
    run = read(run_folder(tmp_path / "run"))
    assert run.problems == []
    frame = run.seconds
    assert {len(values) for values in frame.values()} == {LENGTH}
    assert frame["emitted_messages_per_s"].round().tolist() == [100.0] * (LENGTH - 1) + [0.0]
    assert frame["live_connections"].tolist() == [5.0] * LENGTH
    assert frame["target_memory_mib"].max() == 60
    assert frame["cpu_percent_of_a_core"][5] == pytest.approx(10, rel=0.01)
    assert [(span.name, span.begin) for span in run.spans] == [
        ("ramp", 0.0),
        ("measured", 2.0),
        ("drain", LENGTH - 1.0),
    ]
    assert run.rows.failed["connection refused"] == 1
    assert run.rows.heard.tolist() == [0, 100 * (LENGTH - 1)]


def test_stall_is_seen_in_its_second_and_in_no_other(tmp_path: Path) -> None:
    frame = read(run_folder(tmp_path / "run", stall=6)).seconds
    p50 = frame["delivery_intended_p50_ms"]
    assert p50[6] > 400
    assert np.nanmax(np.delete(p50, 6)) < 3


def test_percentiles_of_all_are_those_of_the_summary(tmp_path: Path) -> None:
    run = read(run_folder(tmp_path / "run", stall=6))
    assert run.summary is not None
    told = run.summary.latency["ack"]["intended"]
    histogram = run.histograms["ack"]["intended"]
    assert histogram.samples == told["samples"] == 900
    assert (histogram.percentile(0.9) or 0) / 1e6 == pytest.approx(told["p90_ms"], abs=1e-4)


def test_violations_stand_in_the_second_in_which_they_were(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    path = folder / SUMMARY_FILE
    told = {"4": 3, "3": 1, "5": 0, "999": 1, "9" * 5000: 1, "x": 2}
    lost = f'"lost": {json.dumps(told)}'
    path.write_text(path.read_text().replace('"lost": {}', lost))
    assert read(folder).violations["lost"] == {3: 1, 4: 3}


@pytest.mark.parametrize("name", ["run.json", "summary.json"])
@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_torn_files_are_a_line_each(name: str, octets: bytes, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    (folder / name).write_bytes(octets)
    run = read(folder)
    assert any(name in line for line in run.problems)
    assert len(run.seconds["time_s"]) == LENGTH


def test_lines_that_are_cut_off_are_passed_over(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    for path in (*folder.glob("health-*"), *folder.glob("latency-*")):
        path.write_bytes(path.read_bytes() + b'{"t": 5, "pha')
    assert len(read(folder).seconds["time_s"]) == LENGTH


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadRecordError, match="is not the folder of a load run"):
        read(tmp_path)
