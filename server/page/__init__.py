"""The page: what the bank knows, for the person who is responsible for it."""
