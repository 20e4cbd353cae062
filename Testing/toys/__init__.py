"""What can be said with the package's own parts, in a few lines: methods that it does not have."""
