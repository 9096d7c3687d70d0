"""What the levers of each market ought to be: schedule, events, measured liquidity and budget."""
