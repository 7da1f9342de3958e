"""Pictures of state machines have every state and transition, well-formed XML, and nothing on top of anything else."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.errors import BlueprintError
from blueprints.flow_pictures import Outcome, draw, read_flow
from blueprints.flow_pictures.boxes import LABEL_SIZE, NAME_SIZE, PADDING
from blueprints.flow_pictures.conditions import condition
from blueprints.flow_pictures.flow import CATCH, NORMAL
from blueprints.flow_pictures.layout import place
from blueprints.flow_pictures.network_simplex import Edge, solve
from blueprints.flow_pictures.placed import Placed
from blueprints.flow_pictures.resources import Call, call_of
from blueprints.flow_pictures.text_size import width, wrap

SVG = "{http://www.w3.org/2000/svg}"
LAMBDA = "arn:aws:states:::lambda:invoke"


def task(following=None, **fields):
    ends = {"Next": following} if following else {"End": True}
    return {"Type": "Task", "Resource": LAMBDA, "Arguments": {"FunctionName": "${Function}"}, **ends, **fields}


def machine(start, **states):
    return {"QueryLanguage": "JSONata", "StartAt": start, "States": states}


ORDER = {
    "StartAt": "Reserve stock",
    "States": {
        "Reserve stock": task(
            "Large?", Catch=[{"ErrorEquals": ["OutOfStock"], "Next": "Rejected"}], Retry=[{"ErrorEquals": ["X"]}]
        ),
        "Large?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.total > 100 %}", "Next": "Approve"}],
            "Default": "Ship",
        },
        "Approve": {**task("Ship"), "Resource": f"{LAMBDA}.waitForTaskToken"},
        "Ship": {
            "Type": "Parallel",
            "Branches": [machine("Pack", Pack=task("Send"), Send=task()), machine("Tell", Tell=task())],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rejected"}],
            "Next": "Items",
        },
        "Items": {"Type": "Map", "ItemProcessor": machine("Count", Count=task()), "End": True},
        "Rejected": {"Type": "Fail", "Error": "OrderRejected"},
    },
}


# --- any definition ---

NAMES = st.text(max_size=60) | st.sampled_from(["", "Take payment", "注文を確認する"])


@st.composite
def definitions(draw_from, depth=2, prefix=""):
    """A definition with any names, transitions in any direction, and nested branches; each name occurs once."""
    count = draw_from(st.integers(1, 6))
    names = [f"{prefix}{number}{draw_from(NAMES)}" for number in range(count)]
    target = st.sampled_from(names)
    states = {}
    for number, name in enumerate(names):
        kind = draw_from(
            st.sampled_from(["Task", "Choice", "Succeed", "Fail", "Wait", *["Parallel", "Map"] * (depth > 0)])
        )
        state = {"Type": kind}
        if kind == "Choice":
            rules = draw_from(st.lists(st.tuples(st.text(max_size=60), target), min_size=1, max_size=4))
            state["Choices"] = [{"Condition": f"{{% {rule} %}}", "Next": goal} for rule, goal in rules]
            state["Default"] = draw_from(target)
        elif kind not in ("Succeed", "Fail"):
            state |= draw_from(st.one_of(st.just({"End": True}), st.builds(lambda goal: {"Next": goal}, target)))
        if kind in ("Task", "Parallel", "Map"):
            catchers = draw_from(st.lists(st.tuples(NAMES, target), max_size=2))
            state["Catch"] = [{"ErrorEquals": [error], "Next": goal} for error, goal in catchers]
        if kind == "Parallel":
            branches = draw_from(st.integers(1, 3))
            made = [draw_from(definitions(depth - 1, f"{prefix}{number}.{branch}.")) for branch in range(branches)]
            state["Branches"] = made
        if kind == "Map":
            state["ItemProcessor"] = draw_from(definitions(depth - 1, f"{prefix}{number}.0."))
        states[name] = state
    return {"StartAt": names[0], "States": states}


def drawn(definition, outcomes=None):
    return ET.fromstring(draw(read_flow(definition), "a machine", outcomes))


def rectangles(placed: Placed, left=0, top=0):
    """What must not overlap in a block: boxes, labels and marks, as (left, top, right, bottom)."""
    for each in placed.boxes:
        yield (left + each.x, top + each.y, left + each.x + each.box.width, top + each.y + each.box.height)
    for arrow in placed.arrows:
        if arrow.chip:
            x, y, chip = left + arrow.chip.x, top + arrow.chip.y, arrow.chip.chip
            yield (x, y, x + chip.width, y + chip.height)
    for x, y in (*([placed.start] if placed.start else []), *placed.ends):
        yield (left + x - 7, top + y - 7, left + x + 7, top + y + 7)


def overlap(first, second):
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def blocks(placed: Placed, left=0, top=0, right=None, bottom=None):
    """Every block with its place, and the corner of the frame that holds it."""
    yield (
        placed,
        left,
        top,
        right if right is not None else placed.width,
        bottom if bottom is not None else placed.height,
    )
    for each in placed.boxes:
        for inner, block in zip(each.box.inner, placed.inner[each.box.state.name], strict=True):
            x, y = left + each.x, top + each.y
            yield from blocks(block, x + inner.x, y + inner.y, x + each.box.width, y + each.box.height)


@settings(max_examples=30, deadline=None)
@given(definitions())
def test_every_state_and_transition_is_drawn_once(definition):
    flow = read_flow(definition)
    picture = drawn(definition)
    states = [each.get("data-state") for each in picture.iter(f"{SVG}g") if each.get("data-state")]
    arrows = [
        (each.get("data-from"), each.get("data-to"), each.get("class"))
        for each in picture.iter(f"{SVG}g")
        if each.get("data-from")
    ]
    assert len(states) == len(list(flow.all_states()))
    assert len(arrows) == len(list(flow.all_transitions()))
    assert {kind for _, _, kind in arrows} <= {NORMAL, CATCH}


@settings(max_examples=30, deadline=None)
@given(definitions())
def test_no_box_label_or_mark_lies_on_another(definition):
    placed = place(read_flow(definition), {})
    for block, left, top, right, bottom in blocks(placed):
        found = list(rectangles(block, left, top))
        for first, second in combinations(found, 2):
            assert not overlap(first, second)
        assert all(each[0] >= 0 and each[1] >= 0 and each[2] <= right and each[3] <= bottom for each in found)


@settings(max_examples=20, deadline=None)
@given(definitions(depth=1))
def test_no_arrow_passes_through_a_box(definition):
    """In each layer an arrow is a vertical line, and curves only between layers."""
    placed = place(read_flow(definition), {})
    for block, *_ in blocks(placed):
        boxes = [(each.x, each.y, each.x + each.box.width, each.y + each.box.height) for each in block.boxes]
        for arrow in block.arrows:
            for x, begin, end in arrow.spans[1:-1] if not arrow.loop else ():
                assert not [box for box in boxes if overlap((x, begin, x + 1, end), box)]


@settings(max_examples=10, deadline=None)
@given(definitions(depth=1))
def test_the_same_definition_gives_the_same_bytes(definition):
    assert draw(read_flow(definition), "a machine") == draw(read_flow(definition), "a machine")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_positions_keep_every_least_length_and_are_the_best(data):
    """Compared with a search of all positions of a few nodes."""
    count = data.draw(st.integers(2, 4))
    pairs = list(combinations(range(count), 2))
    joined = [Edge(0, node, data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3))) for node in range(1, count)]
    more = [
        Edge(tail, head, data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3)))
        for tail, head in data.draw(st.lists(st.sampled_from(pairs), max_size=5))
    ]
    edges = [*joined, *more]

    def length(position):
        return sum(each.weight * (position[each.head] - position[each.tail]) for each in edges)

    def is_allowed(position):
        return all(position[each.head] - position[each.tail] >= each.least for each in edges)

    def all_positions(so_far):
        if len(so_far) == count:
            yield so_far
        else:
            for each in range(9):
                yield from all_positions([*so_far, each])

    found = solve(count, edges)
    assert is_allowed(found)
    assert length(found) == min(length(each) for each in all_positions([0]) if is_allowed(each))


# --- exact examples ---


def texts(picture):
    return [each.text for each in picture.iter(f"{SVG}text")]


def test_a_picture_shows_what_each_state_does():
    shown = texts(drawn(ORDER))
    for words in (
        "Reserve stock",
        "lambda:invoke Function",
        "total > 100",
        "otherwise",
        "waits for a task token",
        "OutOfStock",
        "any error",
        "2 branches",
        "each item",
        "OrderRejected",
    ):
        assert words in shown
    assert "3" in shown, "the retries that a retrier makes if it does not say how many"


def test_errors_are_drawn_with_dashes():
    arrows = [each for each in drawn(ORDER).iter(f"{SVG}g") if each.get("data-from")]
    dashed = {(each.get("data-from"), each.get("data-to")) for each in arrows if each[0].get("stroke-dasharray")}
    assert dashed == {("Reserve stock", "Rejected"), ("Ship", "Rejected")}


def test_a_picture_is_described_for_who_cannot_see_it():
    picture = drawn(ORDER)
    assert picture.get("role") == "img"
    ids = {each.get("id"): each.text for each in picture if each.get("id")}
    assert picture.get("aria-labelledby").split() == list(ids)
    assert ids["title"] == "a machine"
    assert "Choice Large?: It goes to Approve, if total > 100; goes to Ship, if otherwise." in ids["description"]
    assert "Branch 1 of Ship: It starts with Pack." in ids["description"]


def test_an_execution_colours_its_states():
    outcomes = {
        "Reserve stock": Outcome("caught", ("0.2 s", "2 attempts"), (("Rejected", CATCH),)),
        "Rejected": Outcome("failed"),
    }
    picture = drawn(ORDER, outcomes)
    statuses = {each.get("data-state"): each.get("data-status") for each in picture.iter(f"{SVG}g")}
    assert statuses["Reserve stock"] == "caught"
    assert statuses["Rejected"] == "failed"
    assert statuses["Pack"] == "not reached"
    assert {"0.2 s", "2 attempts", "caught", "failed", "not reached"} <= set(texts(picture))
    assert "succeeded" not in texts(picture), "the legend has only what occurs"
    taken = [
        (each.get("data-from"), each.get("data-to"))
        for each in picture.iter(f"{SVG}g")
        if each.get("data-from") and not each.get("opacity")
    ]
    assert taken == [("Reserve stock", "Rejected")]


def test_the_items_of_a_distributed_map_run_elsewhere():
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **machine("a", a=task("b"), b=task())}
    items = {"Type": "Map", "ItemProcessor": processor, "Next": "End"}
    definition = machine("Items", Items=items, End={"Type": "Succeed"})

    def statuses(outcomes):
        return {each.get("data-state"): each.get("data-status") for each in drawn(definition, outcomes).iter(f"{SVG}g")}

    reached = statuses({"Items": Outcome("failed")})
    assert (reached["a"], reached["b"], reached["End"]) == ("in executions of their own",) * 2 + ("not reached",)
    assert statuses({})["a"] == "not reached"


def test_names_of_any_script_are_drawn_as_they_are():
    names = ["在庫を確認する", 'Prüfe <alles> & "mehr"', "naïve 👩‍🔬", "x" * 80]
    states = {name: task(following) for name, following in zip(names, [*names[1:], None], strict=True)}
    picture = drawn({"StartAt": names[0], "States": states})
    assert [each.get("data-state") for each in picture.iter(f"{SVG}g") if each.get("data-state")] == names
    shown = "".join(texts(picture)).replace(" ", "")
    assert all(name.replace(" ", "") in shown for name in names)


def test_control_characters_do_not_break_the_picture():
    picture = drawn({"StartAt": "a\x00\x1b\ud800", "States": {"a\x00\x1b\ud800": task()}})
    assert "a\N{REPLACEMENT CHARACTER}" in texts(picture)[0]


def test_a_long_name_is_wrapped_inside_its_box():
    ((box,),) = [place(read_flow(machine("x " * 40, **{"x " * 40: task()})), {}).boxes]
    assert len(box.box.name) > 1
    assert all(width(line, NAME_SIZE, bold=True) + 2 * PADDING <= box.box.width for line in box.box.name)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.integers(40, 300), st.integers(1, 4))
def test_wrapped_text_fits_and_keeps_its_characters(text, most, lines):
    whole = wrap(text, LABEL_SIZE, most)
    assert all(width(line, LABEL_SIZE) <= most for line in whole)
    assert "".join("".join(whole).split()) == "".join(text.split())
    cut = wrap(text, LABEL_SIZE, most, lines=lines)
    assert len(cut) <= lines
    assert all(width(line, LABEL_SIZE) <= most for line in cut)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.total", "NumericGreaterThan": 100}, "total > 100"),
        ({"Variable": "$.a", "NumericLessThanEqualsPath": "$.b.c"}, "a ≤ b.c"),
        ({"Variable": "$.name", "StringMatches": "*.csv"}, 'name matches "*.csv"'),
        ({"Variable": "$.ok", "BooleanEquals": True}, "ok = true"),
        ({"Variable": "$.x", "IsPresent": False}, "not (x is present)"),
        ({"Variable": "$$.Execution.Name", "StringEquals": "a"}, '$$.Execution.Name = "a"'),
        (
            {"And": [{"Variable": "$.a", "IsNull": True}, {"Not": {"Variable": "$.b", "StringLessThan": "c"}}]},
            'a is null and not (b < "c")',
        ),
        (
            {
                "Or": [
                    {"Variable": "$.a", "TimestampEquals": "2026-01-01T00:00:00Z"},
                    {"And": [{"Variable": "$.b", "IsString": True}, {"Variable": "$.c", "IsNumeric": True}]},
                ]
            },
            'a = "2026-01-01T00:00:00Z" or (b is text and c is a number)',
        ),
        ({"Condition": "{% $states.input.total\n  > $limit %}"}, "total > $limit"),
        ({"Condition": True}, "true"),
    ],
)
def test_conditions_are_shortened(rule, text):
    assert condition(rule) == text


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (task(), Call("lambda:invoke Function", "", False)),
        (
            {"Resource": "arn:aws:states:::glue:startJobRun.sync", "Arguments": {"JobName": "load"}},
            Call("glue:startJobRun load", "waits until it has finished", False),
        ),
        (
            {"Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Arguments": {"Bucket": "{% $bucket %}"}},
            Call("s3:putObject $bucket", "", False),
        ),
        (
            {"Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": {"StateMachineArn.$": "$.m"}},
            Call("states:startExecution m", "waits until it has finished", False),
        ),
        (
            {"Resource": "arn:aws:states:eu-west-1:123456789012:activity:people"},
            Call("activity people", "waits for a worker", True),
        ),
        (
            {"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:stock:live"},
            Call("lambda:invoke stock", "", False),
        ),
        (
            {
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"},
            },
            Call("sqs:sendMessage orders", "waits for a task token", True),
        ),
        ({"Resource": "${ReserveStockArn}"}, Call("lambda:invoke ReserveStock", "", False)),
    ],
)
def test_resources_are_shortened(state, expected):
    assert call_of(state, {"ReserveStockArn": "ReserveStock"}) == expected


def test_names_of_a_stack_stand_for_its_resources():
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders-Stock-A1B2:live"
    assert call_of({"Resource": arn}, {"orders-Stock-A1B2": "Stock"}).words == "lambda:invoke Stock"
    state = {"Resource": LAMBDA, "Arguments": {"FunctionName": arn}}
    assert call_of(state, {"orders-Stock-A1B2": "Stock"}).words == "lambda:invoke Stock"


def test_a_state_that_nothing_leads_to_is_drawn_too():
    picture = drawn({"StartAt": "a", "States": {"a": task(), "b": task("c"), "c": task("b")}})
    assert len([each for each in picture.iter(f"{SVG}g") if each.get("data-state")]) == 3


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no States"),
        ({"StartAt": "a", "States": {"a": task("b")}}, "leads to the state 'b', which does not exist"),
        ({"States": {"a": task()}}, "leads to the state 'None', which does not exist"),
        (machine("a", a={"Type": "Map", "End": True}), "has no States"),
    ],
)
def test_what_is_no_definition_is_refused(definition, message):
    with pytest.raises(BlueprintError, match=re.escape(message)):
        read_flow(definition)
