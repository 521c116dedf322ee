"""The generators that every vgbench table lists, trivial and trained, as a vgbench plugin."""
