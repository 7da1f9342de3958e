"""The command line: arguments and printing only."""

import atexit
import errno
import gc
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from blueprints.quick_start import with_room

# Everything else is imported where it is used: `blueprints --help` has to start at once.
if TYPE_CHECKING:
    from blueprints.errors import BlueprintError
    from blueprints.executions.demos import Started
    from blueprints.local.cloud import Cloud
    from blueprints.local.deployment import EmbeddedStack
    from blueprints.pattern import Pattern
    from blueprints.progress import Progress
    from blueprints.stacks.stack import Stack

_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
_port_option = click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="Port of the embedded AWS."
)
_parameter_option = click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A template parameter; may be repeated."
)
_REFUSED_BY_DISK = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENOTDIR, errno.EEXIST)
_WHERE_WRITTEN = (
    "Results are written to --output (default: .blueprints in the working folder), the cache to BLUEPRINTS_CACHE "
    "(default: below ~/.cache). Choose folders that you can write to."
)
_open_option = click.option(
    "--open", "opens", is_flag=True, help="Open the pattern's web page afterwards, and stay up until Ctrl-C."
)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Commands(click.Group):
    """Prints errors of the user without a traceback, and ends with a status other than 0."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command, with room for the frames of its imports."""
        atexit.register(gc.freeze)  # Python ends sooner if it looks for no garbage among what the system frees anyway
        return with_room(lambda: super(_Commands, self).main(*args, **options))

    def invoke(self, ctx: click.Context) -> Any:
        from blueprints.errors import BlueprintError

        signal.signal(signal.SIGTERM, _terminated)
        try:
            return super().invoke(ctx)
        except BlueprintError as error:
            click.echo(f"blueprints: {error}", err=True)
            ctx.exit(1)
        except OSError as error:
            if error.errno not in _REFUSED_BY_DISK or not error.filename:
                raise
            click.echo(f"blueprints: {error.filename}: {error.strerror}.\n  {_WHERE_WRITTEN}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("blueprints: interrupted", err=True)
            ctx.exit(130)


def _terminated(*_: object) -> NoReturn:
    """Leave through every `with` and `finally`, so that nothing is left running."""
    sys.exit(143)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serverless-blueprints")
def main() -> None:
    """Deployable serverless blueprints for AWS: run, check, build and publish them.

    PATTERN is a pattern's name, or the path of a template or of a folder that holds one.
    """


@main.command("list")
@_json_option
def list_(as_json: bool) -> None:
    """List the patterns.

    Also shows their companion templates, and whether the Serverless Application Repository accepts the patterns.
    """
    from blueprints.pattern import discover
    from blueprints.publish import preflight
    from blueprints.sar_rules import findings
    from blueprints.template.reading import load

    listed = []
    for each in discover():
        found = preflight.check_written(each, load(each.template))
        fields = {name: str(getattr(each, name)) for name in ("name", "flow", "version", "description", "folder")}
        judged = {"verdict": findings.verdict(found), "findings": [finding.as_json() for finding in found]}
        listed.append({**fields, "companions": [str(path) for path in each.prerequisites], "repository": judged})
    if as_json:
        click.echo(json.dumps({"patterns": listed}))
    else:
        _terminal().show_patterns(listed)


@main.command()
@click.argument("pattern")
@click.option("--input", "own", type=_file, help="A file of your own as the demo's input.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for what the demo downloads.")
@click.option("--keep", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
@click.option("--own-key", is_flag=True, help="Encrypt with a key of your own: make one, and give it as KmsKeyArn.")
@_open_option
@_parameter_option
@_port_option
@_json_option
def run(
    pattern: str,
    own: Path | None,
    output: Path | None,
    keep: bool,
    own_key: bool,
    opens: bool,
    parameters: tuple[str, ...],
    port: int,
    as_json: bool,
) -> None:
    """Deploy a pattern to the embedded AWS, and run its demo."""
    from blueprints.pattern import find

    found = find(pattern)
    _check_page(found, opens=opens)
    folder = (output or Path(".blueprints", "runs", found.name)).absolute()
    values = _values(found, parameters, quiet=as_json)
    progress = _progress(quiet=as_json)
    with _embedded_aws(progress, port) as running:
        from blueprints.demo import check_playable
        from blueprints.local.alarms import alarms_of
        from blueprints.local.bring_up import bring_up, prepare
        from blueprints.local.own_key import check_takes_a_key, with_own_key

        check_playable(found, own, folder)
        if own_key:
            check_takes_a_key(found)
        prepared = prepare(found, progress, values)
        cloud = running()
        stack = bring_up(cloud, with_own_key(cloud, prepared, progress) if own_key else prepared, progress)
        demo = _play(found, stack.outputs, lambda: stack, cloud.client, own, folder, progress)
        alarms = [each.as_json() for each in alarms_of(cloud, stack)]
        more = {"not_emulated": stack.not_emulated, "alarms": alarms}
        if opens and demo.failure is None:
            with _page(found, stack.outputs, cloud.client, cloud.endpoint, folder, progress) as url:
                _show_demo(demo, {**more, "page": url}, as_json=as_json)
                if not as_json:
                    _terminal().show_up(cloud, [stack])
                _open_page(url, quiet=as_json)
                cloud.stay(_tell)
        _show_demo(demo, more, as_json=as_json)
        if keep:
            _stay_up(cloud, [stack], quiet=as_json)


@main.command("play")
@click.argument("pattern", metavar="PATTERN")
@click.option("--stack", required=True, metavar="NAME", help="The stack to run the demo on.")
@click.option("--input", "own", type=_file, help="A file of your own as the demo's input.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for what the demo downloads.")
@click.option("--profile", metavar="NAME", help="Profile of your AWS configuration.")
@click.option("--region", metavar="NAME", help="Region of the stack.")
@click.option("--endpoint", metavar="URL", help="URL of an embedded AWS, as 'blueprints up' shows it.")
@_open_option
@_json_option
def play_(
    pattern: str,
    stack: str,
    own: Path | None,
    output: Path | None,
    profile: str | None,
    region: str | None,
    endpoint: str | None,
    opens: bool,
    as_json: bool,
) -> None:
    """Run a pattern's demo on a stack that is deployed.

    The stack is in your AWS account (by your usual credentials and Region), or in an embedded AWS.
    """
    from blueprints.demo import check_playable
    from blueprints.pattern import find
    from blueprints.stacks.client import Stacks
    from blueprints.stacks.usable import usable_outputs

    found = find(pattern)
    _check_page(found, opens=opens)
    folder = (output or Path(".blueprints", "plays", stack)).absolute()
    check_playable(found, own, folder)
    client = _clients(profile, region, endpoint)
    progress = _progress(quiet=as_json)
    with progress.step(f"Look up the stack {stack}"):
        outputs = usable_outputs(client, stack)
    demo = _play(found, outputs, lambda: Stacks(client).describe(stack), client, own, folder, progress)
    if opens and demo.failure is None:
        aws = endpoint or os.environ.get("AWS_ENDPOINT_URL")
        with _page(found, outputs, client, aws, folder, progress) as url:
            _show_demo(demo, {"stack": stack, "page": url}, as_json=as_json)
            _open_page(url, quiet=as_json)
            while True:
                time.sleep(3600)
    _show_demo(demo, {"stack": stack}, as_json=as_json)


@main.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@_parameter_option
@_port_option
@_json_option
def up(patterns: tuple[str, ...], parameters: tuple[str, ...], port: int, as_json: bool) -> None:
    """Deploy patterns to the embedded AWS, and keep it up.

    It stays up until Ctrl-C, and prints how your own clients reach it. Without PATTERN it starts empty.
    """
    from blueprints.local.bring_up import bring_up, check_stacks_differ, prepare
    from blueprints.local.urls import urls
    from blueprints.pattern import find

    found = [find(each) for each in patterns]
    check_stacks_differ(found)
    given = [_values(each, parameters, quiet=as_json) for each in found]
    progress = _progress(quiet=as_json)
    with _embedded_aws(progress, port) as running:
        prepared = [prepare(each, progress, values) for each, values in zip(found, given, strict=True)]
        cloud = running()
        stacks = [bring_up(cloud, each, progress) for each in prepared]
        if as_json:
            report = {
                "endpoint": cloud.endpoint,
                "environment": cloud.environment(),
                "tls": {
                    "endpoint": cloud.tls_endpoint,
                    "certificate_authority": str(cloud.certificate_authority),
                },
                "stacks": {
                    stack.name: {
                        "outputs": stack.outputs,
                        "urls": urls(cloud, stack),
                        "not_emulated": stack.not_emulated,
                    }
                    for stack in stacks
                },
            }
            click.echo(json.dumps(report))
        _stay_up(cloud, stacks, quiet=as_json)


@main.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
def tables(patterns: tuple[str, ...]) -> None:
    """Write what a README shows of the template: tables and pictures.

    The tables of parameters and outputs replace those between the comments '<!-- blueprints tables: parameters -->' or
    '<!-- blueprints tables: outputs -->', and '<!-- blueprints tables: end -->'. The picture of a state machine, drawn
    from its definition, is the file LOGICAL_ID.svg beside the README. Without PATTERN, writes those of all of them.
    """
    from blueprints import readme_pictures, readme_tables
    from blueprints.errors import BlueprintError, at
    from blueprints.pattern import discover, find
    from blueprints.template.reading import load

    for each in [find(each) for each in patterns] or discover():
        path = each.folder / "README.md"
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not readme_tables.marked(before):
            comments = f"{readme_tables.marks('parameters')}\n{readme_tables.marks('outputs')}"
            raise BlueprintError(
                "The README does not mark where the tables go.",
                where=at(path),
                advice=f"Add these comments there:\n{comments}",
            )
        template = load(each.template)
        made = {path: readme_tables.written(before, template)}
        made |= {each.folder / name: picture for name, picture in readme_pictures.pictures(template).items()}
        for file, text in made.items():
            click.echo(f"{at(file)}: {'written' if _write(file, text) else 'unchanged'}")


def _write(path: Path, text: str) -> bool:
    """Write a file; returns whether its content has changed."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


@main.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@_json_option
def check(patterns: tuple[str, ...], as_json: bool) -> None:
    """Lint patterns and check their promises.

    Without PATTERN, checks all of them. Ends with status 1 if it finds anything.
    """
    from blueprints import promises
    from blueprints.pattern import folders, path_of
    from blueprints.promises import reporting

    reports = promises.check([path_of(each) for each in patterns] or folders())
    click.echo(json.dumps(reporting.as_json(reports)) if as_json else reporting.as_text(reports))
    if any(report.findings for report in reports):
        sys.exit(1)


@main.command()
@click.argument("pattern")
@click.option(
    "--break",
    "broken",
    type=click.Choice(
        ["raises", "raises-sometimes", "times-out", "wrong-result", "cannot-be-imported", "memory", "all"]
    ),
    help="Change the function so that it fails in this way; all: one after the other, then an unchanged version.",
)
@click.option(
    "--changed",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of your own changed copy, to deploy as the new version.",
)
@click.option("--function", metavar="LOGICAL_ID", help="The function to break; by default the first one.")
@click.option("--preference", metavar="NAME", help="How traffic shifts.  [default: Canary10Percent10Minutes]")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the picture.")
@_parameter_option
@_json_option
def rehearse(
    pattern: str,
    broken: str | None,
    changed: Path | None,
    function: str | None,
    preference: str | None,
    output: Path | None,
    parameters: tuple[str, ...],
    as_json: bool,
) -> None:
    """Rehearse a gradual deployment in the embedded AWS.

    Deploys PATTERN, sends it the traffic of its demo, and deploys a changed version, gradually: its hooks run, its
    traffic shifts, its alarms are watched. Ends with status 0 if a wrong version is stopped and a right one deployed;
    a version is wrong with --break. A minute of the deployment takes a second.
    """
    from blueprints.errors import BlueprintError
    from blueprints.pattern import find
    from blueprints.rehearsals.command import rehearse as play

    found = find(pattern)
    if broken and changed:
        raise BlueprintError("Either --break or --changed says what the new version is, not both.")
    values = _values(found, parameters, quiet=as_json)
    folder = (output or Path(".blueprints", "rehearsals", found.name)).absolute()
    progress = _progress(quiet=as_json)
    with _embedded_aws(progress, 0) as running:
        show = _print_line if not as_json else lambda _: None
        played, report = play(found, running(), values, progress, show, broken, changed, function, preference, folder)
    if as_json:
        click.echo(json.dumps({**report, "steps": progress.as_json()}))
    if not all(each.is_as_wanted for each in played):
        sys.exit(1)


@main.command()
@click.argument("pattern")
@click.argument("target", metavar="FUNCTION|STATE_MACHINE")
@click.option("--event", type=click.File("rb"), required=True, help="JSON file with the event; - for standard input.")
@_parameter_option
@_json_option
def invoke(pattern: str, target: str, event: Any, parameters: tuple[str, ...], as_json: bool) -> None:
    """Invoke a function or a state machine once in the embedded AWS.

    Prints a function's response, log, duration and memory, and an execution's output and timeline. They are known by
    their logical ids, handlers and names.
    """
    from blueprints.local.bring_up import bring_up, prepare
    from blueprints.local.invocation_targets import find_target
    from blueprints.pattern import find

    found = find(pattern)
    target_found = find_target(found, target)
    payload = _parsed(event)
    values = _values(found, parameters, quiet=as_json)
    progress = _progress(quiet=as_json)
    with _embedded_aws(progress, 0) as running:
        prepared = prepare(found, progress, values)
        cloud = running()
        stack = bring_up(cloud, prepared, progress)
        run = _run_state_machine if target_found.is_state_machine else _invoke_function
        succeeded = run(cloud, stack, target_found.logical_id, payload, progress, pattern, as_json=as_json)
    if not succeeded:
        sys.exit(1)


def _invoke_function(
    cloud: "Cloud",
    stack: "EmbeddedStack",
    function: str,
    payload: object,
    progress: "Progress",
    pattern: str,
    *,
    as_json: bool,
) -> bool:
    """Invoke a function and show its answer; returns whether it succeeded."""
    from blueprints.local.deployment import invocation_arn
    from blueprints.local.diagnosis import advice_on

    target = invocation_arn(cloud, stack, function)
    with progress.step(f"Invoke {function}"):
        answer = cloud.invoke(target, payload)
    if as_json:
        fields = ("payload", "failed", "log", "duration_ms", "memory_mb")
        click.echo(json.dumps({field: getattr(answer, field) for field in fields}))
    else:
        _terminal().show_answer(answer)
    advice = advice_on(answer, stack, pattern)
    if advice:
        click.echo(f"blueprints: {advice}", err=True)
    return not answer.failed


def _run_state_machine(
    cloud: "Cloud",
    stack: "EmbeddedStack",
    machine: str,
    payload: object,
    progress: "Progress",
    pattern: str,
    *,
    as_json: bool,
) -> bool:
    """Run an execution and show its output and timeline; returns whether it succeeded."""
    from blueprints.executions import running
    from blueprints.executions.reading import Executions
    from blueprints.executions.timeline import as_json as json_of

    executions = Executions(cloud.client, stack)
    arn = executions.machines[machine]
    if running.is_express(cloud.client, arn):
        return _run_express(cloud, running.machine_to_start(cloud.client, arn), machine, payload, progress, as_json)
    started = running.start(cloud.client, running.machine_to_start(cloud.client, arn), payload)
    interrupted = False
    try:
        with progress.step(f"Run {machine}"):
            running.wait(cloud.client, started, progress.report)
    except KeyboardInterrupt:
        interrupted = True
    execution, output = executions.get(started), running.output_of(cloud.client, started)
    if as_json:
        click.echo(json.dumps(json_of(execution) | {"output": output}))
    else:
        _terminal().show_execution(execution)
        if execution.succeeded:
            _terminal().show_output(output)
    if interrupted:
        click.echo(
            "blueprints: Stopped waiting. The embedded AWS ends now, and the execution with it. To watch one for "
            f"longer, run 'blueprints up {shlex.quote(pattern)}' and use 'aws stepfunctions start-execution'.",
            err=True,
        )
        sys.exit(130)
    return execution.succeeded


def _run_express(cloud: "Cloud", arn: str, machine: str, payload: object, progress: "Progress", as_json: bool) -> bool:
    """Run an execution of an EXPRESS state machine, which has no history; returns whether it succeeded."""
    from dataclasses import asdict

    from blueprints.executions import running

    with progress.step(f"Run {machine}"):
        answer = running.run_synchronously(cloud.client, arn, payload)
    if as_json:
        given = asdict(answer)
        click.echo(json.dumps({"execution": given.pop("arn"), "state_machine": machine, **given}))
    else:
        _terminal().show_express(machine, answer)
    return answer.status == "SUCCEEDED"


@main.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the packages.")
@click.option(
    "--target",
    type=click.Choice(["lambda", "host"]),
    default="lambda",
    show_default=True,
    help="Where the packages run: on Lambda, or on this machine (host).",
)
@_json_option
def build(patterns: tuple[str, ...], output: Path | None, target: Any, as_json: bool) -> None:
    """Build the packages of a pattern's functions.

    The same sources give the same bytes, on any machine and at any time.
    """
    from blueprints.packaging.build import build as packages_of
    from blueprints.pattern import find

    progress = _progress(quiet=as_json)
    built: dict[str, list[dict[str, Any]]] = {}
    for pattern in [find(each) for each in patterns]:
        folder = output / pattern.name if output else None
        with progress.step(f"Package {pattern.name}") as step:
            packages = packages_of(pattern, target, folder, progress.report, unpinned=True)
            step.notes.extend(f"{each.logical_id}  {each.sha256}  {each.path}" for each in packages)
            step.notes.extend(dict.fromkeys(warning for each in packages for warning in each.warnings))
        fields = ("logical_id", "sha256", "size", "unzipped", "warnings", "reused")
        built[pattern.name] = [
            {"path": str(each.path), **{field: getattr(each, field) for field in fields}} for each in packages
        ]
    if as_json:
        click.echo(json.dumps({"target": target, "packages": built}))


@main.command()
@click.argument("pattern")
@click.argument("destination", type=click.Path(path_type=Path))
def new(pattern: str, destination: Path) -> None:
    """Copy a pattern into a folder of your own.

    DESTINATION is a new folder. The copy does not depend on this project.
    """
    from blueprints.copying import copy
    from blueprints.pattern import find

    progress = _progress(quiet=False)
    with progress.step(f"Copy {pattern} to {destination}") as step:
        made = copy(find(pattern), destination, progress.report)
        if made.vendored:
            step.notes.append(f"vendor/ contains {made.vendored}")
    trying = "run" if (destination / "demo.py").is_file() else "up"
    click.echo(f"\nTry it:  blueprints {trying} {destination}")
    click.echo(f"Deploy it:  cd {destination} && sam build && sam deploy --guided")


@main.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option(
    "--plan", "plan_only", is_flag=True, help="Publish nothing, show the plan. Exit status 2: it has changes; 0: none."
)
@click.option("--local", is_flag=True, help="Publish to the embedded repository, kept in .blueprints/sar.")
@click.option(
    "--sharing",
    metavar="WHO",
    help="Who may deploy it: private, accounts=ID,ID or organization=ID. Default: unchanged.",
)
@click.option("--public", is_flag=True, help="Let every AWS account find and deploy the application.")
@click.option("--bucket", metavar="NAME", help="The bucket for packages. Default: that of the artifact bucket's stack.")
@click.option(
    "--approve", metavar="DIGEST", help="Publish only if the plan has this digest, as --plan shows it (one PATTERN)."
)
@_json_option
def publish(
    patterns: tuple[str, ...],
    plan_only: bool,
    local: bool,
    sharing: str | None,
    public: bool,
    bucket: str | None,
    approve: str | None,
    as_json: bool,
) -> None:
    """Publish to the Serverless Application Repository.

    Without PATTERN, publishes all of them.
    """
    from blueprints.pattern import discover, find
    from blueprints.publish import destinations, publishing, report
    from blueprints.publish.sharing import parse_sharing
    from blueprints.stacks.account import HOW_TO_SIGN_IN

    found = [find(each) for each in patterns] or discover()
    if approve and len(found) != 1:
        raise click.BadParameter(
            f"it approves the plan of one PATTERN, and {len(found)} are given", param_hint="--approve"
        )
    options = publishing.Options(not plan_only, parse_sharing(sharing, public=public), approve)
    progress = _progress(quiet=as_json)
    missing = None
    if local:
        from blueprints.destinations import embedded

        with embedded(progress) as destination:
            outcomes = publishing.publish(found, destination, options, progress, report.lines)
    else:
        destination, lacking = destinations.of_account(bucket)
        if lacking:
            missing = (
                f"{lacking}, so this is the plan against an empty repository, and nothing is published. "
                f"To publish, {HOW_TO_SIGN_IN}."
            )
        outcomes = publishing.publish(found, destination, options, progress, report.lines)
    if as_json:
        click.echo(json.dumps(report.as_json(outcomes, missing)))
    else:
        click.echo("".join(f"{line}\n" for line in report.findings(outcomes)), nl=False)
    for error in [each.error for each in outcomes if each.error] + ([missing] if missing else []):
        click.echo(f"blueprints: {error}", err=True)
    sys.exit(report.status(outcomes, planned_only=plan_only))


@main.command("try")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--local", is_flag=True, help="On the embedded AWS, with an empty repository of its own.")
@click.option("--keep", is_flag=True, help="Keep the private copy and its stacks; the next try deletes them.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for what the demos download.")
@click.option("--bucket", metavar="NAME", help="The bucket for packages. Default: that of the artifact bucket's stack.")
@_parameter_option
@_json_option
def try_(
    patterns: tuple[str, ...],
    local: bool,
    keep: bool,
    output: Path | None,
    bucket: str | None,
    parameters: tuple[str, ...],
    as_json: bool,
) -> None:
    """Publish a private copy, deploy it, and run its demo.

    Deploys the copy (NAME-twin) from the Serverless Application Repository, and deletes everything afterwards. Without
    PATTERN, tries all of them.
    """
    from blueprints.destinations import of_cloud
    from blueprints.errors import BlueprintError
    from blueprints.pattern import discover, find
    from blueprints.publish import destinations
    from blueprints.publish.trying import Tries
    from blueprints.stacks.account import HOW_TO_SIGN_IN

    found, given = [find(each) for each in patterns] or discover(), _parameters(parameters)
    folder = output or Path(".blueprints", "tries")
    progress = _progress(quiet=as_json)
    if local:
        with _embedded_aws(progress, 0) as running:
            cloud = running()
            results = Tries(of_cloud(cloud), progress, folder, keep=keep).run(found, given)
            _show_tries(results, progress, as_json=as_json)
            if keep:
                _stay_up(cloud, [], quiet=as_json)
    else:
        destination, missing = destinations.of_account(bucket)
        if missing:
            raise BlueprintError(
                f"{missing}, so nothing is tried.",
                advice=f"To try it on your account, {HOW_TO_SIGN_IN}; on the embedded AWS, add --local.",
            )
        results = Tries(destination, progress, folder, keep=keep).run(found, given)
        _show_tries(results, progress, as_json=as_json)
    sys.exit(0 if all(each.passed for each in results) else 1)


def _show_tries(results: list[Any], progress: "Progress", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"patterns": [each.as_json() for each in results], "steps": progress.as_json()}))
    for each in results:
        if not as_json:
            _terminal().show_try(each.as_json())
        for error in each.errors:
            click.echo(f"blueprints: {error}", err=True)


def _parameters(given: tuple[str, ...]) -> dict[str, str]:
    for each in given:
        if "=" not in each:
            raise click.BadParameter(f"{each!r} is not of the form NAME=VALUE", param_hint="--parameter")
    return dict(each.split("=", 1) for each in given)


def _values(pattern: "Pattern", options: tuple[str, ...], *, quiet: bool) -> dict[str, str]:
    """The values of a template's parameters; asks for missing ones if standard input is a terminal."""
    from blueprints.parameters import complete, refusal

    values, missing = complete(pattern, _parameters(options))
    if missing and (quiet or not sys.stdin.isatty()):
        raise refusal(pattern, missing, shlex.join(["blueprints", *sys.argv[1:]]))
    for each in missing:
        kind = click.Choice(each.allowed) if each.allowed else None
        text = f"{each.name} ({each.description})" if each.description else each.name
        values[each.name] = click.prompt(text, type=kind, hide_input=each.secret)
    return values


def _parsed(event: Any) -> object:
    try:
        return json.loads(event.read())
    except ValueError as error:
        raise click.BadParameter(f"{event.name} is not JSON: {error}", param_hint="--event") from error


def _progress(*, quiet: bool) -> "Progress":
    from blueprints.progress import Progress

    return Progress(None if quiet else _terminal())


def _terminal() -> Any:
    from blueprints import terminal

    return terminal.Terminal()


@contextmanager
def _embedded_aws(progress: "Progress", port: int) -> Iterator[Callable[[], "Cloud"]]:
    """Start the embedded AWS in the background, and end it afterwards. The function returned waits until it runs."""
    from blueprints.local.server_process import ServerProcess

    def running() -> "Cloud":
        with progress.step("Start the embedded AWS"):
            from blueprints.local.cloud import Cloud, warm_up

            warm_up()
            return Cloud(server=server)

    server = ServerProcess(port)
    try:
        server.start()
        yield running
    finally:
        server.stop()


def _clients(profile: str | None, region: str | None, endpoint: str | None) -> Callable[[str], Any]:
    """Makes boto3 clients: an embedded AWS on this machine needs no credentials, unless a profile is named."""
    from blueprints.stacks.account import endpoint_host, sign_in

    url = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if url and not profile and endpoint_host(url) in ("127.0.0.1", "::1", "localhost"):
        from blueprints.local.cloud import owner_client

        return cache(lambda service: owner_client(url, service, region))
    return sign_in(profile, region, url)


def _play(
    pattern: "Pattern",
    outputs: dict[str, str],
    find_stack: "Callable[[], Stack]",
    client: Callable[[str], Any],
    own: Path | None,
    folder: Path,
    progress: "Progress",
) -> "_Demo":
    """Run a demo."""
    from blueprints.demo import explaining_failures, play
    from blueprints.errors import BlueprintError
    from blueprints.executions.demos import executions_started

    played, failure, carried = None, None, None
    began = time.time()
    a_minute_ago = began - 60  # clocks differ
    try:
        with explaining_failures(client, find_stack, since=a_minute_ago):
            played = play(pattern, outputs, client, own, folder, progress)
    except BlueprintError as error:
        # A demo's exception may carry a result, such as the reason why an input was rejected.
        failure, carried = error, getattr(error.__cause__, "result", None)
    started, pictures = executions_started(client, find_stack, began, folder if played else None)
    report: dict[str, Any] = {
        "pattern": pattern.name,
        "steps": progress.as_json(),
        "outputs": outputs,
        "result": played.result if played else carried,
        "executions": started.as_json(),
        "files": [str(path) for path in (*played.files, *pictures)] if played else [],
    }
    return _Demo(report, failure, started)


class _Demo(NamedTuple):
    """What a demo did."""

    report: dict[str, Any]
    failure: "BlueprintError | None"
    started: "Started"
    """The executions of state machines that it started."""


def _show_demo(demo: _Demo, more: dict[str, Any], *, as_json: bool) -> None:
    """Show a demo's report, with `more` about its stack; raises its failure."""
    report, failure = demo.report | more, demo.failure
    if as_json:
        unread = {"executions_unread": demo.started.unread} if demo.started.unread else {}
        click.echo(json.dumps(report | unread | ({"error": str(failure)} if failure else {})))
    else:
        _terminal().show_started(demo.started)
        if failure is None:
            _terminal().show_run(report)
    if failure:
        raise failure


def _check_page(pattern: "Pattern", *, opens: bool) -> None:
    """Raise before anything is deployed if there is no page to open."""
    if opens:
        from blueprints.web_page import folder_of

        folder_of(pattern)


@contextmanager
def _page(
    pattern: "Pattern",
    outputs: dict[str, str],
    client: Callable[[str], Any],
    endpoint: str | None,
    folder: Path,
    progress: "Progress",
) -> Iterator[str]:
    """Serve the pattern's web page; yields its URL."""
    from blueprints.demo import DemoStack
    from blueprints.web_page import served

    stack = DemoStack(outputs, client, None, folder, progress.step)
    with served(pattern, stack, client("sts").meta.region_name, endpoint) as url:
        yield url


def _open_page(url: str, *, quiet: bool) -> None:
    from blueprints.web_page import open_in_browser

    if not quiet:
        _terminal().show_page(url)
    open_in_browser(url, _tell)


def _stay_up(cloud: "Cloud", stacks: list["EmbeddedStack"], *, quiet: bool) -> None:
    if not quiet:
        _terminal().show_up(cloud, stacks)
    cloud.stay(_tell)


def _print_line(line: str) -> None:
    from blueprints.terminal import visible

    click.echo(visible(line))


def _tell(line: str) -> None:
    """Show what failed while the embedded AWS stays up; standard output is for results."""
    from blueprints.terminal import visible

    click.echo(f"blueprints: {visible(line)}", err=True)
