"""Applications of strangers, and the locustfiles that load them: each with faults to switch on."""
