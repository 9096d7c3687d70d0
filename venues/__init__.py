"""SPEAK: one package per venue behind the Protocols of `venues.port`. A venue translates; it decides nothing."""
