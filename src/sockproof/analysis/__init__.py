"""What records mean, computed from them alone: no network, no clock, no output."""
