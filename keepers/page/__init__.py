"""The status page: `GET /` of the daemon, for people on call. It reads, and changes nothing."""
