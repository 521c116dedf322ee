"""The trivial generators that every vgbench table lists, as a vgbench plugin."""
