"""Stores the bank: records, embeddings, LanceDB tables and ranking. Knows neither MCP nor language models."""
