"""The transcripts that clients keep, read as tasks."""
