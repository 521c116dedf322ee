"""The metrics that ship with vgbench, one file a family."""
