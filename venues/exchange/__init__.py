"""Bellkeeper's own on-chain exchange: contracts, codec, gap-free sync, paged reads, deployment."""
