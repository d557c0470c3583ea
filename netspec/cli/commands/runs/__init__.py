"""Commands on trained runs."""
