"""Finds what must not be stored or recalled as it came: secrets, orders, disguises, literals of one task."""
