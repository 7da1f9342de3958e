"""Parses the headers of image files, one module per format, without decoding pixels."""
