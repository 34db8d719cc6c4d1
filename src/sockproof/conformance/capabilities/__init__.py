"""What a server offers, asked before the first case."""
