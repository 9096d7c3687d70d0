"""REHEARSE: a market that crashes, traders, and the demo: the same keepers over the same venue."""
