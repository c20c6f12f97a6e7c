"""Jobs of the imports. Bodies are three lines: load, call, done. A job may run twice: each bears it."""

from procrastinate.contrib.django import app

from carillon.imports import actions, jobs


@app.task(name="carillon.execute_import", queue="imports")
def execute_import(*, run_id: int) -> None:
    jobs.execute_queued(run_id)


@app.task(name="carillon.apply_opt_ins", queue="imports")
def apply_opt_ins(*, setup_id: int) -> None:
    jobs.apply_opt_ins(setup_id)


@app.task(name="carillon.execute_dry_run", queue="imports")
def execute_dry_run(*, dry_run_id: int) -> None:
    jobs.execute_dry_run(dry_run_id)


@app.periodic(cron="* * * * *")
@app.task(name="carillon.wake_workers_again", queue="urgent", queueing_lock="wake_workers_again")
def wake_workers_again(timestamp: int) -> None:
    actions.wake_workers_again()


@app.periodic(cron="* * * * *")
@app.task(name="carillon.start_scheduled_imports", queue="urgent", queueing_lock="start_scheduled_imports")
def start_scheduled_imports(timestamp: int) -> None:
    jobs.start_scheduled_imports()


# A job of its own: a mail server that does not answer must not keep imports from starting.
@app.periodic(cron="* * * * *")
@app.task(name="carillon.send_alerts", queue="urgent", queueing_lock="send_alerts")
def send_alerts(timestamp: int) -> None:
    jobs.send_alerts()


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


@app.periodic(cron="11 * * * *")
@app.task(name="carillon.delete_old_dry_runs", queue="urgent", queueing_lock="delete_old_dry_runs")
def delete_old_dry_runs(timestamp: int) -> None:
    jobs.delete_old_dry_runs()
