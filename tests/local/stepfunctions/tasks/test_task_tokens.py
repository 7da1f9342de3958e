"""Task tokens: who may answer, when, and what an attempt gets."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.tasks import TaskTokens
from blueprints.local.services.stepfunctions.tasks.task_tokens import TimedOut
from blueprints.states_language.failures import StateFailed

SCALE = 1000


@pytest.fixture
def tokens():
    return TaskTokens(Clock(SCALE))


def wait(tokens, *during, until=None, heartbeat=None):
    """Open a token, do things on other threads while an attempt waits for its answer, and return its answer."""

    async def attempt():
        token = tokens.make()
        waiting = tokens.open(token)
        waited = asyncio.ensure_future(tokens.wait(waiting, until, heartbeat))
        await asyncio.sleep(0)
        for each in during:
            await asyncio.to_thread(each, token)
        return await waited

    return asyncio.run(attempt())


def answered(tokens, token, number):
    """Answer with a number; returns it, and the code if the answer was refused."""
    try:
        tokens.succeed(token, str(number))
    except ServiceError as error:
        return number, error.code
    return number, None


def refused(call, *arguments):
    with pytest.raises(ServiceError) as error:
        call(*arguments)
    return error.value.code, error.value.message


def test_the_answer_is_the_result(tokens):
    assert wait(tokens, lambda token: tokens.succeed(token, '{"approved": true}')) == {"approved": True}


def test_a_failure_fails_the_attempt_with_its_error_and_cause(tokens):
    with pytest.raises(StateFailed) as failed:
        wait(tokens, lambda token: tokens.fail(token, "Rejected", "too expensive"))
    assert failed.value.output == {"Error": "Rejected", "Cause": "too expensive"}


def test_an_answer_that_comes_before_the_wait_counts(tokens):
    async def attempt():
        token = tokens.make()
        waiting = tokens.open(token)
        tokens.succeed(token, "7")
        return await tokens.wait(waiting, None, None)

    assert asyncio.run(attempt()) == 7


def test_a_token_is_answered_once(tokens):
    seen = []

    def twice(token):
        tokens.succeed(token, "1")
        seen.append(refused(tokens.succeed, token, "2"))
        seen.append(refused(tokens.fail, token, None, None))
        seen.append(refused(tokens.heartbeat, token))

    assert wait(tokens, twice) == 1
    assert seen == [("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")] * 3


def test_a_token_that_was_never_made_is_invalid(tokens):
    foreign = TaskTokens(Clock()).make()
    for token in (foreign, "no token", "AAAA", "é"):
        assert refused(tokens.succeed, token, "1") == ("InvalidToken", "Invalid Token: 'Invalid token'")
        assert refused(tokens.heartbeat, token)[0] == "InvalidToken"


def test_an_output_that_is_no_json_is_refused_and_can_be_corrected(tokens):
    codes = []

    def correct(token):
        codes.append(refused(tokens.succeed, token, "{approved}")[0])
        codes.append(refused(tokens.succeed, token, '"' + "x" * 262_144 + '"')[0])
        tokens.succeed(token, '"yes"')

    assert wait(tokens, correct) == "yes"
    assert codes == ["InvalidOutput", "ValidationException"]


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", '{"a": 1e400}', "[" * 100_000, "", "{"])
def test_an_output_that_json_has_no_form_for_is_refused(tokens, text):
    def refuse_then_answer(token):
        assert refused(tokens.succeed, token, text)[0] == "InvalidOutput"
        tokens.succeed(token, "1")

    assert wait(tokens, refuse_then_answer) == 1


def test_silence_ends_the_attempt_and_its_token(tokens):
    used = []
    with pytest.raises(TimedOut) as failed:
        wait(tokens, used.append, heartbeat=5)
    assert failed.value.error == "States.HeartbeatTimeout"
    assert refused(tokens.succeed, used[0], "1")[0] == "TaskTimedOut"


def test_heartbeats_keep_an_attempt_alive_but_not_beyond_its_time(tokens):
    clock = tokens._clock
    begun = clock.now()

    async def attempt():
        waiting = tokens.open(tokens.make())
        waited = asyncio.ensure_future(tokens.wait(waiting, begun + 300, 100))
        while not waited.done():
            await asyncio.sleep(0.01)
            if not waited.done():
                tokens.heartbeat(waiting.token)
        return await waited

    with pytest.raises(TimedOut) as failed:
        asyncio.run(attempt())
    assert failed.value.error == "States.Timeout"
    assert clock.now() - begun >= 300


def test_a_cancelled_attempt_leaves_no_token(tokens):
    async def attempt():
        waiting = tokens.open(tokens.make())
        try:
            await tokens.wait(waiting, None, None)
        finally:
            tokens.close(waiting)

    async def cancel():
        running = asyncio.ensure_future(attempt())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(cancel())
    assert not tokens._waiting


def test_after_a_reset_tokens_are_invalid(tokens):
    token = tokens.make()
    tokens.reset()
    assert refused(tokens.succeed, token, "1")[0] == "InvalidToken"


def test_of_many_answers_at_once_one_counts(tokens):
    """Late and double approvals: who was not refused is who the attempt believes."""
    for _ in range(20):
        outcomes = []

        def answer_at_once(token, outcomes=outcomes):
            with ThreadPoolExecutor(8) as threads:
                outcomes += threads.map(lambda answer: answered(tokens, token, answer), range(8))

        result = wait(tokens, answer_at_once)
        assert [number for number, code in outcomes if code is None] == [result]
        assert {code for _, code in outcomes} == {None, "TaskTimedOut"}


def test_an_answer_at_the_moment_of_the_time_out_counts_or_is_refused(tokens):
    """Never both: an approval that was accepted is not followed by a time-out."""

    async def race():
        waiting = tokens.open(tokens.make())
        until = tokens._clock.now() + 0.005 * SCALE
        waited = asyncio.ensure_future(tokens.wait(waiting, until, None))
        await asyncio.sleep(0.0045)
        _, refusal = await asyncio.to_thread(answered, tokens, waiting.token, 1)
        try:
            return refusal, await waited
        except TimedOut:
            return refusal, None

    for _ in range(40):
        refusal, result = asyncio.run(race())
        assert result == (None if refusal else 1)
