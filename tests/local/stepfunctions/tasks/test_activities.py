"""Activities hand each task to one worker, the oldest first."""

import threading

from blueprints.local.services.stepfunctions.tasks.activities import Activities, ActivityTask

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:pack"


def task(name, started=lambda worker: None):
    return ActivityTask(name, "{}", started)


def test_the_oldest_task_goes_to_the_worker_that_asks():
    activities, workers = Activities(), []
    for name in ("first", "second"):
        activities.schedule(ACTIVITY, task(name, workers.append))

    assert activities.take(ACTIVITY, "ann", 0).token == "first"
    assert activities.take(ACTIVITY, None, 0).token == "second"
    assert activities.take(ACTIVITY, "ann", 0) is None
    assert workers == ["ann", None]


def test_a_worker_waits_for_a_task_of_its_activity():
    activities, taken = Activities(), []
    worker = threading.Thread(target=lambda: taken.append(activities.take(ACTIVITY, "ann", 10)))
    worker.start()
    activities.schedule(ACTIVITY.replace("pack", "ship"), task("other"))
    activities.schedule(ACTIVITY, task("mine"))
    worker.join(10)
    assert taken[0].token == "mine"


def test_a_task_that_is_withdrawn_is_given_to_no_worker():
    activities = Activities()
    offered = task("late")
    activities.schedule(ACTIVITY, offered)
    activities.withdraw(ACTIVITY, offered)
    activities.withdraw(ACTIVITY, offered)
    assert activities.take(ACTIVITY, "ann", 0) is None


def test_a_reset_sends_waiting_workers_away():
    activities, taken = Activities(), []
    worker = threading.Thread(target=lambda: taken.append(activities.take(ACTIVITY, "ann", 10)))
    worker.start()
    activities.reset()
    activities.schedule(ACTIVITY, task("of the next account"))
    worker.join(10)
    assert not worker.is_alive()
