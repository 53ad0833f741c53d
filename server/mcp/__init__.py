"""Holds what a client sees of the server: tools, resources and prompts."""
