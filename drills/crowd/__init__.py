"""CROWD: who holds what when it happens, from a hundred accounts to 1.62 million."""
