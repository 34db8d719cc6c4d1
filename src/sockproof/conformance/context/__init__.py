"""What a case is given and what it leaves: context, what was said, wire log, outcome."""
