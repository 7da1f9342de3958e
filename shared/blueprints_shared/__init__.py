"""What handlers import. Each module's public names are its whole interface."""
