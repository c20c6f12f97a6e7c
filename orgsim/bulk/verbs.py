"""Scenario verbs of bulk jobs."""

from orgsim.org import Org

TIMEOUT = "QUERY_TIMEOUT: Your query request was running for too long."


class BulkVerbs:
    """Part of Scenario."""

    org: Org

    def set_bulk_delay(self, seconds: float) -> None:
        """How long the jobs created from now on take."""
        self.org.bulk.delay = seconds

    def fail_bulk_job(self, message: str = TIMEOUT, times: int = 1) -> None:
        """Let the next jobs that run, also those already created, end as Failed with this message."""
        self.org.bulk.failures.extend([message] * times)

    def forget_bulk_jobs(self) -> None:
        """Every job and its result is gone, as after seven days."""
        self.org.bulk.clear()
