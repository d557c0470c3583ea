"""A package as a user may write one: words of every category, for tests/test_own_words.py."""
