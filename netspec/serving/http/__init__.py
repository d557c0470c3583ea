"""HTTP/1.1: messages in bytes, and connections with limits. Nothing here knows of networks."""
