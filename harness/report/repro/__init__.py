"""One file that shows a claim on the reader's own Erlang, without this project."""
