"""Keeps the tables small, indexed and of the current format."""
