"""A folder for the Hugging Face Hub, which `netspec` itself reads like a run (`netspec/storage/published.py`)."""
