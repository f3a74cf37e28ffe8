"""Bulk work: one predicate, asked for once, done to each subject exactly once, and told to the end.

`options` how it is to be done · `acts` what can be done in bulk, and what is left out · `asking` the preview and the
request · `moves` the states of a job · `working` the slices that the sweep does · `results` what came of it.
"""
