"""Rows of a table: names go in; generators with their weights come out, and from them clips in 8 bits."""
