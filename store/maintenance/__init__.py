"""What keeps the tables small, indexed and of the current format."""
