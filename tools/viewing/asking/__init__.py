"""Reads what a recall finds for a task, and why."""
