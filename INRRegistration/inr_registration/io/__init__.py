"""Images, points and transforms from files and to files."""
