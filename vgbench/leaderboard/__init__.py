"""Evaluation runs go in; a table of rows that may be compared comes out, each number with its interval."""
