"""The wire between Python and a live VM: frames, terms, ErlPort's messages."""
