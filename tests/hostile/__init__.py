"""Hostile servers: a file a misbehaviour in `servers/`, and what carries them.

Each file says what it does in its first line, at which `STAGES` of a connection it can begin, and
in `misbehave(wire)` how. `OVER` gives it a parameter. Until its stage a server behaves.
`docs/hostile-servers.md` tells what the harness does; `tests/test_hostile.py` sees that it does.
"""
