"""ADVICE: what margins, bounds and weekend leverage would have carried the gaps of the past."""
