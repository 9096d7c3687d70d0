"""Price providers of a rehearsal: local servers that speak the real protocols, all from one script."""
