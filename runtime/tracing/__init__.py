"""Traces of intents, made after the fact from what the journal holds; nothing here is on the hot path."""
