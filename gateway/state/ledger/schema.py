"""The tables of the ledger, version by version: first those that SQLite and PostgreSQL share, in SQL that both read.

Versions only add: a process of the version before goes on working while its neighbours migrate. What a version says is
never changed again, whatever becomes of the columns.
"""

VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE requests (
            id TEXT PRIMARY KEY, unix DOUBLE PRECISION NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL,
            asked TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, served TEXT NOT NULL,
            reason TEXT NOT NULL, attempts BIGINT NOT NULL, outcome TEXT NOT NULL, status BIGINT NOT NULL,
            error TEXT NOT NULL, input_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL,
            cache_write_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL,
            audio_input_tokens BIGINT NOT NULL, audio_output_tokens BIGINT NOT NULL, image_tokens BIGINT NOT NULL,
            usage_estimated BOOLEAN NOT NULL, estimate_nano_usd BIGINT NOT NULL, cost_nano_usd BIGINT NOT NULL,
            latency_ms DOUBLE PRECISION NOT NULL, first_token_ms DOUBLE PRECISION, stream BOOLEAN NOT NULL,
            possibly_billed BOOLEAN NOT NULL, config TEXT NOT NULL, meta TEXT)""",
        """CREATE TABLE usage (
            day TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,
            requests BIGINT NOT NULL, errors BIGINT NOT NULL, unknown BIGINT NOT NULL, tokens BIGINT NOT NULL,
            input_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL, cache_write_tokens BIGINT NOT NULL,
            output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL, audio_input_tokens BIGINT NOT NULL,
            audio_output_tokens BIGINT NOT NULL, image_tokens BIGINT NOT NULL, estimate_nano_usd BIGINT NOT NULL,
            cost_nano_usd BIGINT NOT NULL, PRIMARY KEY (day, key, model, provider))""",
        """CREATE TABLE admissions (
            id TEXT PRIMARY KEY, unix DOUBLE PRECISION NOT NULL, expires_unix DOUBLE PRECISION NOT NULL,
            origin TEXT NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL, asked TEXT NOT NULL,
            config TEXT NOT NULL, estimate_nano_usd BIGINT NOT NULL)""",
        """CREATE TABLE audit (
            id TEXT PRIMARY KEY, unix DOUBLE PRECISION NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
            subject TEXT NOT NULL, place TEXT NOT NULL, before TEXT, after TEXT)""",
        """CREATE TABLE bodies (
            id TEXT PRIMARY KEY, unix DOUBLE PRECISION NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL)""",
    ),
)

SQLITE_VERSIONS = (
    *VERSIONS,
    (
        """CREATE TABLE kinds (
            number INTEGER PRIMARY KEY AUTOINCREMENT, last_day TEXT NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL,
            asked TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, served TEXT NOT NULL,
            reason TEXT NOT NULL, attempts BIGINT NOT NULL, outcome TEXT NOT NULL, status BIGINT NOT NULL,
            error TEXT NOT NULL, usage_estimated BOOLEAN NOT NULL, stream BOOLEAN NOT NULL,
            possibly_billed BOOLEAN NOT NULL, config TEXT NOT NULL, UNIQUE (key, endpoint, asked, model, provider,
            served, reason, attempts, outcome, status, error, usage_estimated, stream, possibly_billed, config))""",
        "CREATE TABLE kinds_removed (times BIGINT NOT NULL)",
        "INSERT INTO kinds_removed VALUES (0)",
        """CREATE TABLE calls (
            id TEXT PRIMARY KEY, unix DOUBLE PRECISION NOT NULL, kind INTEGER NOT NULL, input_tokens BIGINT NOT NULL,
            cache_read_tokens BIGINT NOT NULL DEFAULT 0, cache_write_tokens BIGINT NOT NULL DEFAULT 0,
            output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL DEFAULT 0,
            audio_input_tokens BIGINT NOT NULL DEFAULT 0, audio_output_tokens BIGINT NOT NULL DEFAULT 0,
            image_tokens BIGINT NOT NULL DEFAULT 0, estimate_nano_usd BIGINT NOT NULL, cost_nano_usd BIGINT NOT NULL,
            latency_ms DOUBLE PRECISION NOT NULL, first_token_ms DOUBLE PRECISION, meta TEXT) WITHOUT ROWID""",
        """CREATE VIEW every_request AS
            SELECT id, unix, key, endpoint, asked, model, provider, served, reason, attempts, outcome, status, error,
                input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
                audio_input_tokens, audio_output_tokens, image_tokens, usage_estimated, estimate_nano_usd,
                cost_nano_usd, latency_ms, first_token_ms, stream, possibly_billed, config, meta FROM requests
            UNION ALL
            SELECT id, unix, key, endpoint, asked, model, provider, served, reason, attempts, outcome, status, error,
                input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
                audio_input_tokens, audio_output_tokens, image_tokens, usage_estimated, estimate_nano_usd,
                cost_nano_usd, latency_ms, first_token_ms, stream, possibly_billed, config, meta
                FROM calls JOIN kinds ON kinds.number = calls.kind""",
    ),
)

VERSION_TABLE = "CREATE TABLE IF NOT EXISTS tokenhub_schema (version BIGINT NOT NULL)"
"""One row."""
