"""Builds the packages of functions and layers; see `build` for the parts."""
