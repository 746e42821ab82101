"""lab.yaml and its like: read with places, validate once at the edge, hand out frozen values."""
