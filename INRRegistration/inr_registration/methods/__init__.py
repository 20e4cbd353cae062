"""What can be fitted to a pair of images: one field, two that undo each other, or one in anatomical coordinates."""
