"""What a draft would do on every account that it would reach, without doing it: nothing is sent, nothing is
written to the database, and what was found forgets itself."""
