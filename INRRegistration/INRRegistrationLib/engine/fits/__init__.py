"""What can be fitted to a pair: one field, and later methods beside it."""
