"""Editors that change one entry of a JSON, TOML or YAML file and leave the rest as it is."""
