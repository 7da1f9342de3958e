"""CodePipeline, which the base emulator lacks.

pipeline_definition  checks what a pipeline is made of
execution            runs a pipeline once, through its stages
actions              runs each kind of action
pipelines            the API
pipeline_service     registers the API with the base emulator
"""
