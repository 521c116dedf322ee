"""Leaderboards, clips' scores and trainings' logs go in, charts for papers come out."""
