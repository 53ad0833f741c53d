"""Strategies as text for people and for agents without this server."""
