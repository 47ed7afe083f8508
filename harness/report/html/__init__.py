"""The static site: a front page, a page a skill, a page a claim."""
