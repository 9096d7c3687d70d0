"""Corporate actions as they are seen: what files and operators say, where each action stands, why."""
