"""Defines how long-running work reports its progress."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of items that are done, and of all of them."""
