"""The corporate duty's keeper: it writes what corporate actions ask for, each write once."""
