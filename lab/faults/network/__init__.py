"""A worse network between a guest and the world, made on the host, so that it works with every guest."""
