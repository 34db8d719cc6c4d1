"""What is read before a run: cases, requirements, expectations, profiles."""
