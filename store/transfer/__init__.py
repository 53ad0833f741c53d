"""Writes the bank to a file and reads it back: as a whole backup, or as JSON Lines."""
