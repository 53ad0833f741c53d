"""Holds everything that knows LanceDB; no other room imports it."""
