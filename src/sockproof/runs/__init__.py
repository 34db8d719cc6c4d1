"""What a run writes to its folder, and reads back."""
