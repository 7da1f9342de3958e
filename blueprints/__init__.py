"""The tools of serverless-blueprints: run, check, build and publish the patterns. Never shipped to Lambda."""
