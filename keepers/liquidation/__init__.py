"""The liquidation duty: everybody under margin is liquidated, once, the most dangerous first."""
