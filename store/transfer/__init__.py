"""The bank as a file: a whole backup, or JSON Lines."""
