"""What a run's rows say happened: who was where, who said and heard what, and by which clock."""
