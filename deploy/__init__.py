"""How the program is run and watched: generated files, and what generates them."""
