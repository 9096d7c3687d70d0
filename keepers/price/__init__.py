"""The price duty: publish what the marks ought to be."""
