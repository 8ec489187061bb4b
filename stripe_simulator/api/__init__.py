"""The API under `/v1`: a resource a file, and beside them what every call goes through."""
