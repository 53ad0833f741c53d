"""Episodes as they are stored, and as attempts of a run."""
