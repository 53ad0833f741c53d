"""Brings trajectories into one normal form, and shortens them."""
