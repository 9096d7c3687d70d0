"""The incentive duty: bring every market's levers to where schedule, measurement and budget want them."""
