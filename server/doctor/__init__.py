"""The checks behind `strategy-bank doctor`."""
