"""Which strategies say the same, and how two become one."""
