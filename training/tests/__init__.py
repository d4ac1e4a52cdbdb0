"""Tests of the training package; `python3 -m unittest discover -s training/tests -t .` from the
repository's root.
"""
