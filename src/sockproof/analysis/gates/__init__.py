"""Rules, and whether a run keeps them: whole, in windows, while it goes on, and at which load."""
