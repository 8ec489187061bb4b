"""What every domain stands on: database, ids, money, time, problems."""
