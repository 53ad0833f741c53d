"""Reads what tells whether the bank helps: what came of recalls, and how it grows."""
