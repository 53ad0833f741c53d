"""Commands that move the bank or its lessons to a file and back."""
