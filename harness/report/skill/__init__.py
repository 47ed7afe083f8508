"""A skill folder as agents load it, made of what a run confirms."""
