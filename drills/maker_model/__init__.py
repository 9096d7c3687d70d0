"""MAKER MODEL: makers who quote where it pays, and takers who know less or more than they do."""
