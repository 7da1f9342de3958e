"""What the bytes of an image say about themselves, one module per file format; none of them decodes pixels."""
