"""Jobs of the imports. Bodies are three lines: load, call, done. A job may run twice: each bears it."""

from procrastinate.contrib.django import app

from carillon.imports import actions, jobs


@app.task(name="carillon.execute_import", queue="imports")
def execute_import(*, run_id: int) -> None:
    jobs.execute_queued(run_id)


@app.periodic(cron="* * * * *")
@app.task(name="carillon.wake_workers_again", queue="urgent", queueing_lock="wake_workers_again")
def wake_workers_again(timestamp: int) -> None:
    actions.wake_workers_again()


@app.periodic(cron="41 3 * * *")
# The alias is its name in versions before: a job of theirs may wait in the queue when this one starts.
@app.task(
    name="carillon.keep_house",
    queue="urgent",
    queueing_lock="keep_house",
    aliases=["carillon.delete_old_issues"],
)
def keep_house(timestamp: int) -> None:
    jobs.keep_house()
