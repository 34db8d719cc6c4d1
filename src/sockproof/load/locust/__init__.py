"""Where Locust meets us: its events, options, statistics and page; a run and its schedule."""
