"""CodeBuild: runs builds, which the base emulator only records.

projects      a project's settings, checked
buildspec     a build specification, read and checked
build_source  fetches a build's files
build_shell   runs its commands in one shell
build_log     writes its output to CloudWatch Logs
builds        replaces the base emulator's builds, which succeed without running
"""
