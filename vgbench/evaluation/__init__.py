"""A protocol, or two folders of clips, and metrics go in; a run with a line of scores for each clip comes out."""
