"""`python -m sockproof`: the same as the console script."""

from sockproof.cli import run

run()
