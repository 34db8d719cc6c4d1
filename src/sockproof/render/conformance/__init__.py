"""A report of cases as pages and lines, which all say the same."""
