"""Commands that change what the bank holds."""
