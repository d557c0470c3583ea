"""Series in tables: windows over them for forecasts."""
