"""The trivial generators that every vgbench table lists."""
