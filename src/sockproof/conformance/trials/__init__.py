"""One case that runs, and what is decided about its record afterwards."""
