"""What several case files check with: controls, bystanders, growth, real clients."""
