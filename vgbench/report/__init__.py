"""Report formats: functions from a leaderboard to text."""
