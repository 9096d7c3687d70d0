"""A scenario played against the whole system: on the exchange in memory, or on a chain."""
