"""What the formats that netspec writes share."""
