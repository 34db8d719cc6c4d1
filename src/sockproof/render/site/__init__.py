"""A public page of results: servers by requirements, their evidence, badges, feeds, one JSON."""
