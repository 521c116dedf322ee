"""A file of generators × seeds goes in; trainings and evaluations, each done once, and one table over seeds come out."""
