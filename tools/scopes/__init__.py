"""Tells whose project a folder belongs to, and which scope that project has in a bank."""
