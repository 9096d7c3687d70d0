"""CARRY: knows nothing of perpetuals: supervision, clock, transports, metrics, logs, health."""
