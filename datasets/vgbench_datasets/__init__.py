"""Data sets for vgbench: a procedural sky, folders of videos, the Sky Time-lapse layout."""
