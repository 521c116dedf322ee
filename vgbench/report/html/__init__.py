"""A leaderboard goes in, one self-contained page comes out that opens from disk."""
