"""Two servers compared by interleaved runs, and what the machine and the harness add."""
