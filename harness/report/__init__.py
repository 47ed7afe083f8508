"""Views of a run, one module a format: a run goes in, text comes out."""
