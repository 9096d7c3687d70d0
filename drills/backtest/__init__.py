"""BACKTEST: weekends of the past, played through the weekend pricing of today."""
