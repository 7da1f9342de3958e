"""What every emulated service builds on: the emulator's internals, protocols, clients, time."""
