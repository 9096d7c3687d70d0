"""JUDGE: pure functions and values. No I/O, no clock, no log, no randomness."""
