"""What requests and responses say: the Open Inference Protocol, predictions with names, OpenAPI."""
