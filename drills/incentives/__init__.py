"""The weekend with and without incentives: makers at work, three arms, many seeds."""
