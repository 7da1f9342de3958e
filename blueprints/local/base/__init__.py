"""What emulated services are built from: extensions, internals of the base emulator, protocols, clients, time."""
