"""The documentation as a site: what Sphinx is given, and what is generated for it."""
