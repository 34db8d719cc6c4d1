"""A load run in one record: counts, properties, latencies, and whether it is fit to judge."""
