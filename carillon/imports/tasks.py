"""Jobs of the imports. Bodies are three lines: load, call, done. A job may run twice: each bears it."""

from procrastinate.contrib.django import app

from carillon.imports import actions, jobs


@app.task(name="carillon.execute_import", queue="imports")
def execute_import(*, run_id: int) -> None:
    jobs.execute_queued(run_id)


@app.task(name="carillon.execute_dry_run", queue="imports")
def execute_dry_run(*, dry_run_id: int) -> None:
    jobs.execute_dry_run(dry_run_id)


@app.periodic(cron="* * * * *")
@app.task(name="carillon.wake_workers_again", queue="urgent", queueing_lock="wake_workers_again")
def wake_workers_again(timestamp: int) -> None:
    actions.wake_workers_again()


@app.periodic(cron="41 3 * * *")
@app.task(name="carillon.delete_old_issues", queue="urgent", queueing_lock="delete_old_issues")
def delete_old_issues(timestamp: int) -> None:
    jobs.delete_old_issues()


@app.periodic(cron="11 * * * *")
@app.task(name="carillon.delete_old_dry_runs", queue="urgent", queueing_lock="delete_old_dry_runs")
def delete_old_dry_runs(timestamp: int) -> None:
    jobs.delete_old_dry_runs()
