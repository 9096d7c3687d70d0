"""One file per group of sections of the configuration; `config.settings` puts them together."""
