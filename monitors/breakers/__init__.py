"""What the breakers see and want: facts of every market, and the machines that judge them."""
