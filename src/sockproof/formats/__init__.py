"""The shape of each file that sockproof reads or writes; `schemas` has them for other programs.

What people write (`HandWritten`) has no key that nobody knows: it may be a slip. What sockproof
writes (`Written`) may come from another version, so unknown keys are passed over there, and a key
that an older version did not write has a default.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Outcome = Literal["PASS", "NON_STRICT", "FAIL", "UNSUPPORTED", "INCONCLUSIVE"]
Level = Literal["MUST", "SHOULD", "MAY", "DESCRIBED"]
ExitCode = Literal[0, 1, 2, 3, 130]
Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Number = Count | Annotated[float, Meta(ge=-1e18, le=1e18)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Text = Annotated[str, Meta(max_length=1 << 21)]
Name = Annotated[str, Meta(max_length=4096)]
Moment = Annotated[str, Meta(max_length=100, description="RFC 3339.")]
Words = Annotated[str, Meta(pattern=r"\S", description="Not empty.")]


class Written(msgspec.Struct):
    """A record that sockproof writes."""


class HandWritten(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that a person writes."""
