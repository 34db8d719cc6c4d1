"""What a process of a load run writes down: rows of messages, counts, latencies, health."""
