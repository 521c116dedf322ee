"""The procedural sky: scenes drawn from a key and rendered in whole numbers only, so that every machine gets the same bits."""
