"""Changes one entry of a JSON, TOML or YAML file and leaves the rest as it is."""
