"""ACT: one worker per duty, and the sender, which alone holds keys."""
