"""What a model of Keras was compiled with: optimizer, schedule, losses, metrics, in words of netspec."""
