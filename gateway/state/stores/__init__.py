"""Where the counters of limits live: in this process, or shared by several through Redis."""
