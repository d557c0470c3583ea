"""Series in tables: windows over them for forecasts, and whole series, one for each group."""
