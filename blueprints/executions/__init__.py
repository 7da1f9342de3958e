"""Executions of state machines on any AWS: their histories as trees of states, timelines and pictures."""

MACHINE = "AWS::StepFunctions::StateMachine"
"""The CloudFormation type of state machines."""
