"""Our exchange in memory: the contracts' rules to the atom, without a chain, for large rehearsals."""
