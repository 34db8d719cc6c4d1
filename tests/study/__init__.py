"""Tests of `sockproof.study` and of the claims on the shelf `study/`."""
