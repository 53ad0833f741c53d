"""Reads what a person looks at of the bank, for pages and commands alike. Nothing here knows HTML, and nothing is changed."""
