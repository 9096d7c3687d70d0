"""The breaker duty: draw bands and set statuses as the machines want them."""
