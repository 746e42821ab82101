"""The OS builds guests run: recipes in images/*.yaml made into files in the cache.

Runs no guest but the one in which Windows Setup installs itself.
"""
