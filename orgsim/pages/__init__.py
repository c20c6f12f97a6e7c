"""Web pages of the simulated org, for whoever plays its staff: people and their history, list views, limits, faults.

They call what the API and the scenario verbs call, as the registrar, and are outside the API: no session of it, no
allowance, no ordered fault. Whoever holds the token printed at start may use them.
"""
