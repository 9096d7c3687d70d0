"""JSON-RPC over HTTP and WebSocket: our own small transports, with every error named."""
