"""Tests in which a person sits at a terminal."""

import os

import pytest

AT_A_TERMINAL = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
