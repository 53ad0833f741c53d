"""Which strategies fit a task."""
