"""MARKET MODEL: how deep a book is, what forced orders do to the price, and who brings it back."""
