"""Example trajectories with judgements, used by `strategy-bank demo`."""
