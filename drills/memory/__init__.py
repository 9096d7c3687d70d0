"""The same workers on the exchange in memory: no sockets, a clock of its own, as fast as the processor."""
