"""Executions: one record per state, branch and iteration, from which history, output and redrive follow."""
