"""The words that both halves share, and the file between them."""
