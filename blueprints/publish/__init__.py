"""Publishes patterns to the Serverless Application Repository."""
