"""A package as a user may write one: words of every category, for tests/testing/test_own_words.py."""
