"""Summaries of load runs as the comparison reads them."""

from __future__ import annotations

from typing import Any

P50 = "latency.ack.intended.p50_ms"


def summary(p50: float | None = 1.0, rate: float = 1000.0, fit: bool = True, **counts: int) -> Any:
    """A run with this median; further counts as `lost=3`."""
    return {
        "counts": {"emitted": 100, "acknowledged": 100, "connections_opened": 4, **counts},
        "latency": {"ack": {"intended": {"p50_ms": p50}}},
        "target": {"cpu_s": 2.0, "measured_cpu_s": 1.0},
        "generator": {
            "achieved_rate": rate,
            "measured_s": 2.0,
            "fit": fit,
            "reasons": [] if fit else ["a process of the generator used 95% of a core"],
        },
    }
