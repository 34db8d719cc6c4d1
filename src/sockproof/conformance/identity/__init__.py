"""What a server is, asked before anything else."""
