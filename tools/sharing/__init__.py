"""Writes strategies as text for people and for agents without this server, and reads them from plain lines."""
