"""The panel's pieces, bound to the parameter node; no arithmetic."""
