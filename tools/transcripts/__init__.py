"""Reads the transcripts that clients keep, as tasks."""
