"""The Amazon States Language: definitions, and the expressions in them. Nothing here calls AWS.

Source: https://states-language.net/spec.html, and the Step Functions Developer Guide for what AWS adds to it.
"""
