"""What the Serverless Application Repository accepts: limits, versions, capabilities, template form."""
