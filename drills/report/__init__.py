"""The record of a drill, and the page that a risk committee reads of it."""
