"""Jobs of texts. Bodies are three lines: load, call, done. A job may run twice: each bears it."""

from procrastinate.contrib.django import app

from carillon.messaging import jobs


@app.task(name="carillon.send_text", queue="urgent")
def send_text(*, message_id: int) -> None:
    jobs.send_text(message_id)


@app.periodic(cron="* * * * *")
@app.task(name="carillon.send_texts_that_wait", queue="urgent", queueing_lock="send_texts_that_wait")
def send_texts_that_wait(timestamp: int) -> None:
    jobs.wake_workers_again()


# A job of its own: a mail server that does not answer must not keep texts from going out.
@app.periodic(cron="* * * * *")
@app.task(name="carillon.tell_of_refused_calls", queue="urgent", queueing_lock="tell_of_refused_calls")
def tell_of_refused_calls(timestamp: int) -> None:
    jobs.tell_of_refused_calls()


@app.periodic(cron="43 3 * * *")
@app.task(name="carillon.keep_house_of_texts", queue="urgent", queueing_lock="keep_house_of_texts")
def keep_house_of_texts(timestamp: int) -> None:
    jobs.keep_house()
