"""Notices for people, and the ways they take: transports and the boxes in front of them."""
