"""What a draft would do on every account that it would reach, without doing it: nothing is sent, neither
execution nor order nor position is written, and what was found forgets itself."""
