"""Signing in to the simulated org: OAuth flows, SOAP login(), sessions, and who is behind one."""
