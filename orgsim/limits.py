"""The org's daily API requests: counted by the hour over a rolling day, shown by header and by /limits."""

from collections import Counter

from orgsim.clock import OrgClock
from orgsim.errors import ApiError

DAILY_API_REQUESTS = 100_000
_OTHERS = {
    "ActiveScratchOrgs": 3,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DataStorageMB": 1_024,
    "FileStorageMB": 1_024,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyODataCallout": 1_000,
    "HourlySyncReportRuns": 500,
    "MassEmail": 10,
    "SingleEmail": 15,
}


class ApiUsage:
    def __init__(self, clock: OrgClock) -> None:
        self._clock = clock
        self._by_hour: Counter[int] = Counter()
        self.limit = DAILY_API_REQUESTS

    def _hour(self) -> int:
        return int(self._clock.now().timestamp()) // 3600

    @property
    def used(self) -> int:
        oldest = self._hour() - 23
        return sum(count for hour, count in self._by_hour.items() if hour >= oldest)

    def count(self) -> None:
        """Take one request of the day's allowance; raises 403 when there is none left."""
        if self.used >= self.limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._by_hour[self._hour()] += 1

    def header(self) -> str:
        return f"api-usage={self.used}/{self.limit}"

    def answer(self) -> dict[str, dict[str, int]]:
        """The body of /limits."""
        limits = {name: {"Max": most, "Remaining": most} for name, most in _OTHERS.items()}
        limits["DailyApiRequests"] = {"Max": self.limit, "Remaining": max(0, self.limit - self.used)}
        return dict(sorted(limits.items()))
