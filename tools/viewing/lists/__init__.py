"""Lists of lessons, episodes, runs and recalls: which there are, what is asked of one, and a page of it."""
