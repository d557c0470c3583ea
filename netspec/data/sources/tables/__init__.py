"""Tables: CSV and Parquet files, and how their columns become inputs and targets."""
