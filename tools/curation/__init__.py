"""Carries out what a person decides about records in the bank."""
