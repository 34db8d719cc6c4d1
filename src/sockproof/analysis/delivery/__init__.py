"""What became of every message of a load run, from the rows of its processes."""
