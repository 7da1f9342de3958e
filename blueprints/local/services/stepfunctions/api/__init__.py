"""The API of Step Functions.

operations   every operation by its name
records      what an account has: state machines, their versions and aliases, activities
"""
