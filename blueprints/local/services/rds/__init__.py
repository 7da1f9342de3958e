"""Aurora clusters and the RDS Data API, on a real PostgreSQL."""
