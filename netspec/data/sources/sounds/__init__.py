"""Sounds in folders by class, or in tables."""
