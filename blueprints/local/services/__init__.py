"""One folder per emulated AWS service."""
