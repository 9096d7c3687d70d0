"""KNOBS: the schema, the loader, the shipped profiles and the markets. Values are handed down."""
