"""CodeBuild that runs builds, and CodePipeline that runs them in order: what the base emulator only notes, or lacks.

buildspec      what a build is told to do, read and checked
build_shell    runs a buildspec's commands in one shell
builds         takes the place of the base emulator's builds, which succeed without running
build_source   where a build's files come from
service_roles  acts in a project's or pipeline's role
"""
