"""What a person decides about records in the bank."""
