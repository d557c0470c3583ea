"""Text to syntax tree and back: `parse_source`, `format_source`."""
