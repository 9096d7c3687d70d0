"""The last resort: close who is bankrupt against who is in profit, when nobody else can carry it."""
