"""What each operator of ATen is in netspec. Importing these files fills the table."""
