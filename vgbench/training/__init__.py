"""A generator, a protocol and options go in; a run with checkpoints, a log and previews comes out."""
