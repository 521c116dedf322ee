"""Entry points go in; specs by name, guarded calls, and who is told of a run come out."""
