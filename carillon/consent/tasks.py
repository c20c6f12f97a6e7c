"""Jobs of consent. Bodies are three lines: load, call, done. A job may run twice: each bears it."""

from procrastinate.contrib.django import app

from carillon.consent import jobs


@app.task(name="carillon.deliver_consent", queue="urgent")
def deliver_consent(*, workspace_id: int) -> None:
    jobs.deliver(workspace_id)


@app.periodic(cron="* * * * *")
@app.task(name="carillon.look_after_consent", queue="urgent", queueing_lock="look_after_consent")
def look_after_consent(timestamp: int) -> None:
    jobs.look_after()


# A job of its own: a mail server that does not answer must not keep pushes from going out.
@app.periodic(cron="* * * * *")
@app.task(name="carillon.send_consent_alerts", queue="urgent", queueing_lock="send_consent_alerts")
def send_consent_alerts(timestamp: int) -> None:
    jobs.send_alerts()


@app.task(name="carillon.audit_consent", queue="imports")
def audit_consent(*, workspace_id: int, asked: bool = False) -> None:
    jobs.audit_when_due(workspace_id, asked=asked)
