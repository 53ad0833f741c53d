"""Does the work of the three tools: recall, judge, distill, consolidate, guide attempts. Knows no database, no transport."""
