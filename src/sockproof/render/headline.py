"""What a report comes to, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "unknown"]


@dataclass(frozen=True, slots=True)
class Headline:
    """One sentence that answers, whether it is good news, and what else is worth a line."""

    sentence: str
    tone: Tone
    notes: tuple[str, ...] = ()
