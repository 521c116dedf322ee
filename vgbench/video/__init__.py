"""Reading, writing and resizing videos."""
