"""SEE: read-only workers. No keys, no decisions: they hold what was seen and say how far to trust it."""
