"""A load run second by second, and two of them over each other."""
