"""CloudFormation stacks on any AWS, real or embedded."""
