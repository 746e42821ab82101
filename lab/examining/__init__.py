"""Detection for files from anywhere: a customer's log, screenshot or dump, or a labelled corpus.

Imports nothing by itself: `subjects` is light, `examine` brings every detector with it.
"""
