"""Activities hand each task to one worker, the oldest first."""

import threading

import pytest

from blueprints.local.services.stepfunctions.tasks.activities import Activities, ActivityTask

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:pack"


def task(name, started=lambda worker: None):
    return ActivityTask(name, "{}", started)


@pytest.fixture
def activities():
    made = Activities()
    made.create(ACTIVITY)
    return made


def test_the_oldest_task_goes_to_the_worker_that_asks(activities):
    workers = []
    for name in ("first", "second"):
        activities.schedule(ACTIVITY, task(name, workers.append))

    assert activities.take(ACTIVITY, "ann", 0).token == "first"
    assert activities.take(ACTIVITY, None, 0).token == "second"
    assert activities.take(ACTIVITY, "ann", 0) is None
    assert workers == ["ann", None]


def test_a_worker_waits_for_a_task_of_its_activity(activities):
    taken = []
    activities.create(ACTIVITY.replace("pack", "ship"))
    worker = threading.Thread(target=lambda: taken.append(activities.take(ACTIVITY, "ann", 10)))
    worker.start()
    activities.schedule(ACTIVITY.replace("pack", "ship"), task("other"))
    activities.schedule(ACTIVITY, task("mine"))
    worker.join(10)
    assert taken[0].token == "mine"


def test_a_task_that_is_withdrawn_is_given_to_no_worker(activities):
    offered = task("late")
    activities.schedule(ACTIVITY, offered)
    activities.withdraw(ACTIVITY, offered)
    activities.withdraw(ACTIVITY, offered)
    assert activities.take(ACTIVITY, "ann", 0) is None


def test_a_reset_sends_waiting_workers_away(activities):
    taken = []
    worker = threading.Thread(target=lambda: taken.append(activities.take(ACTIVITY, "ann", 10)))
    worker.start()
    activities.reset()
    activities.create(ACTIVITY)
    activities.schedule(ACTIVITY, task("of the next account"))
    worker.join(10)
    assert not worker.is_alive()


def test_an_activity_that_does_not_exist_takes_no_task(activities):
    activities.delete(ACTIVITY)
    with pytest.raises(LookupError):
        activities.schedule(ACTIVITY, task("lost"))
