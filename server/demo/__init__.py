"""The demonstration behind `strategy-bank demo`."""
