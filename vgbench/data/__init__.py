"""A protocol and the folders of its data go in; clips come out, cut, resized and in order."""
