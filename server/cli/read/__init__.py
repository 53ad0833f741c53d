"""Commands that look into the bank and change nothing."""
