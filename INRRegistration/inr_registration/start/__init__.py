"""From the headers to where a fit begins: the linear pre-alignment, a search over displacements, a given map."""
