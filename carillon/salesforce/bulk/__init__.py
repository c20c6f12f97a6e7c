"""Queries as jobs of Bulk API 2.0: for reads of many records."""
