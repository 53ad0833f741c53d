"""What the three MCP tools do: recall, judge, distill, consolidate, guide attempts. Knows no database and no transport."""
