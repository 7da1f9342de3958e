"""The embedded AWS: deploys a pattern's real template and runs its real handlers on this machine."""
