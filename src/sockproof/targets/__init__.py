"""Servers that come with sockproof: what they are, how they start and stop."""
