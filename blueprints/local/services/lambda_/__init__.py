"""Running functions: environments on AWS's own runtime client, their limits and their logs."""
