"""What the delivery checker finds: counts, verdicts' chances, examples, and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sockproof.vocabulary import CHECKED, PROPERTIES, Property

EXAMPLES = 10


@dataclass
class Delivery:
    """What the checker found: how many violations, of how many chances, and examples."""

    counts: dict[str, int] = field(default_factory=lambda: {each.value: 0 for each in CHECKED})
    exercised: dict[str, int] = field(default_factory=lambda: {p.value: 0 for p in PROPERTIES})
    examples: dict[str, list[str]] = field(
        default_factory=lambda: {p.value: [] for p in PROPERTIES}
    )
    # How many in each second: when what was lost or doubled was sent, when the rest was heard.
    when: dict[str, Counter[int]] = field(
        default_factory=lambda: {p.value: Counter() for p in PROPERTIES}
    )
    addressed: int = 0  # messages that somebody was to hear
    # Messages whose acknowledgement the scenario's own matcher was to know, where it never did.
    unmatched: int = 0
    killed: int = 0  # processes whose rows end abruptly

    def example(self, name: Property, text: str) -> None:
        """Show one, unless there are enough."""
        if len(self.examples[name]) < EXAMPLES:
            self.examples[name].append(text)

    def violated(self, name: Property, seconds: NDArray[np.int64]) -> None:
        """A property was violated in these seconds of the run."""
        self.counts[name] += len(seconds)
        each, counts = np.unique(seconds, return_counts=True)
        self.when[name].update(dict(zip(each.tolist(), counts.tolist(), strict=True)))
