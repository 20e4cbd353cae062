"""From volumes as they were read to levels that can be fitted."""
