"""What a large block leaves behind when it is freed."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

# Blocks beside each other, of which every second one stays: what has gone is given back only
# where each of them was a mapping of its own.
CODE = """
import sys
from sockproof import memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if sys.argv[1] == "early":
    memory.give_back_early()
large = bytearray(24 << 20)  # once it is freed, glibc keeps blocks as large as this
del large
blocks = [bytearray(b"x") * (1 << 20) for _ in range(64)]
before = resident()
del blocks[::2]
print((before - resident()) >> 20)
"""


def given_back(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="its C library is not glibc")
def test_freed_blocks_go_back_to_the_system_though_others_stay() -> None:
    assert given_back("early") >= 30
    assert given_back("late") < 16
