"""What a finished map is like: similarity, volume change, strain, uncertainty, and the verdict."""
