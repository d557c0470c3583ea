"""What is done to examples once: encoding of rows, images and texts; normalization."""
