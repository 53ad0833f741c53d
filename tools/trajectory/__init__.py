"""Trajectories in one normal form, and short forms of them."""
