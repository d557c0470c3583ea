"""What to type instead: hints for names, arguments and settings that are wrong or from another library."""
