"""SNS: delivers to functions and queues as AWS does."""
