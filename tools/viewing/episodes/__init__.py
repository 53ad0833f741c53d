"""Episodes and runs as a person looks at them: what was done, step by step, what was judged, and where the proof stands."""
