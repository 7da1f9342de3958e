"""The embedded Serverless Application Repository."""
