"""Reports as the Analytics REST API runs them: described, run now or later, cut at 2,000 rows.

`types` says what can be reported on, `definition` and `shelf` hold the reports of the org, `asked` reads what a client
wants of one, `engine` turns that into SQL over the live rows, and `resources` answers the paths.
"""
