"""Finds the strategies that fit a task."""
