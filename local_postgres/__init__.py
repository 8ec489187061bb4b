"""Finds or starts a real PostgreSQL on this machine: for `make run`, for the tests, for the simulator."""

from local_postgres.cluster import LocalPostgres, PostgresNotStarted

__all__ = ["LocalPostgres", "PostgresNotStarted"]
