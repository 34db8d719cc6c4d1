"""A run of cases, side by side, from preflight to the last record."""
