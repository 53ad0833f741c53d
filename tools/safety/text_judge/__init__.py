"""The learned judge of texts: which lessons may harm the user of the agent that reads them. card.md says what it can do."""
