"""A protocol's data go in; packs, counts, findings and pictures of what they hold come out."""
