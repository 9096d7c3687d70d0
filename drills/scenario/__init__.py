"""Scenarios: what the world does in a drill, from files of timed facts that each say where they come from."""
