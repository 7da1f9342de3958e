"""CodeBuild that runs builds, and CodePipeline that runs them in order: what the base emulator only notes, or lacks.

Builds:

    projects       what is to be built, and how
    buildspec      what a build is told to do, read and checked
    build_source   where its files come from
    build_shell    runs its commands in one shell
    build_log      what it prints, in CloudWatch Logs
    builds         takes the place of the base emulator's builds, which succeed without running

Pipelines:

    pipeline_definition  what a pipeline may be made of
    execution            one run through its stages
    actions              what each action does
    pipelines            the API
    protocol             how it is spoken
    pipeline_service     makes the base emulator take it for one of its own services

Both:

    service_roles  acts in a project's or pipeline's role
    state_changes  what EventBridge hears of all this
"""
