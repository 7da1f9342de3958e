"""EventBridge Scheduler: acts in the role of a schedule."""
