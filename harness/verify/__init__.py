"""Where collecting and judging meet."""
