"""What is shown of load runs: reports, summaries, comparisons, gates."""
