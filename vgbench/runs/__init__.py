"""Run folders: what a verb did goes in, and is read back checked, whole or not at all."""
