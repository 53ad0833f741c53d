"""Defines who judges an attempt, by which rules, and what a judgement is."""
