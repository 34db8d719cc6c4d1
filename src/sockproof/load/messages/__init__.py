"""What users say: where the stamped body stands in a message, apart from Locust."""
