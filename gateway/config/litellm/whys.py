"""Why a setting does not come along, where there is more to say than that nothing here is like it."""

from collections.abc import Mapping
from types import MappingProxyType

NOTHING_LIKE_IT = "nothing here is like it"
CALLERS = "parameters of a request come with the request here"
OBSERVED = "see /metrics, the ledger and the admin API instead"
NOT_CACHED = "answers are not cached here; the same Idempotency-Key is answered once"
BY_FILE = "models and keys are declared in files here, never at run time"

TOP: Mapping[str, str] = MappingProxyType(
    {
        "include": "import those files, too, and name the results under `include:`",
        "environment_variables": "set them in the environment of the gateway",
        "guardrails": "guardrails are not part of this gateway",
        "mcp_servers": "this gateway serves models, not tools",
        "mcp_tools": "this gateway serves models, not tools",
        "vector_store_registry": "this gateway serves models, not stores",
        "callback_settings": OBSERVED,
        "finetune_settings": "fine-tuning goes to the provider directly",
        "files_settings": "files go to the provider directly",
        "assistant_settings": "assistants go to the provider directly",
        "search_tools": "this gateway serves models, not tools",
    }
)
DEPLOYMENT: Mapping[str, str] = MappingProxyType(
    {
        "temperature": CALLERS,
        "top_p": CALLERS,
        "max_tokens": CALLERS,
        "seed": CALLERS,
        "stop": CALLERS,
        "extra_body": CALLERS,
        "response_format": CALLERS,
        "thinking": CALLERS,
        "reasoning_effort": CALLERS,
        "max_retries": "retries are set for all: routing.retries.per_offer",
        "num_retries": "retries are set for all: routing.retries.per_offer",
        "cooldown_time": "circuits are set for all: routing.health.open_for",
        "order": "write the models one behind the other: `fallbacks:`, or an alias with `ordered: true`",
        "tags": "write an alias for each tag, and give keys the models they may use",
        "max_budget": "budgets belong to keys here: keys[].limits.monthly_usd",
        "budget_duration": "budgets belong to keys here, by calendar month",
        "mock_response": "for answers without a provider: `dialect: echo`",
        "drop_params": "set for all: defaults.unsupported_parameters",
        "additional_drop_params": "write them as the provider's option `drop_fields`",
        "configurable_clientside_auth_params": "callers cannot choose where a call goes",
        "use_in_pass_through": "there are no pass-through routes",
        "use_litellm_proxy": NOTHING_LIKE_IT,
        "azure_ad_token": "give tenant_id, client_id and client_secret as options, or an api_key",
        "aws_web_identity_token": "write the path of its file as the option `web_identity_token_file`",
        "input_cost_per_second": "prices are per token here, or per call (`request`)",
        "output_cost_per_second": "prices are per token here, or per call (`request`)",
    }
)
INFO: Mapping[str, str] = MappingProxyType(
    {
        "id": "an offer's name is `provider/model` here",
        "access_groups": "name the models under keys[].models",
        "metadata": "comments can say it",
        "description": "comments can say it",
        "tier": "tiers are aliases here",
        "team_id": "keys are the accounts here; there are no teams",
        "team_public_model_name": "keys are the accounts here; there are no teams",
        "health_check_model": "whether a provider is well is learnt from real requests",
        "health_check_timeout": "whether a provider is well is learnt from real requests",
        "disable_background_health_check": "whether a provider is well is learnt from real requests",
    }
)
ROUTER: Mapping[str, str] = MappingProxyType(
    {
        "routing_strategy_args": NOTHING_LIKE_IT,
        "retry_policy": "what each kind of failure leads to is fixed here (docs/life-of-a-request.md)",
        "model_group_retry_policy": "what each kind of failure leads to is fixed here (docs/life-of-a-request.md)",
        "allowed_fails_policy": "which failures count against an offer is fixed here (docs/life-of-a-request.md)",
        "content_policy_fallbacks": "a refusal by the model is an answer here",
        "enable_tag_filtering": "write an alias for each tag, and give keys the models they may use",
        "tag_filtering_match_any": "write an alias for each tag, and give keys the models they may use",
        "cache_responses": NOT_CACHED,
        "cache_kwargs": NOT_CACHED,
        "provider_budget_config": "budgets belong to keys here: keys[].limits.monthly_usd",
        "set_verbose": "the log is structured, and never holds a prompt",
        "debug_level": "the log is structured, and never holds a prompt",
        "default_litellm_params": CALLERS,
        "default_max_parallel_requests": "set at each provider: max_concurrency",
        "polling_interval": NOTHING_LIKE_IT,
        "optional_pre_call_checks": NOTHING_LIKE_IT,
        "alerting_config": "see `alerts:`, and the alert rules in examples/kubernetes",
        "fallback_depth": NOTHING_LIKE_IT,
        "max_fallbacks": "a chain that is written down is walked to its end",
    }
)
LITELLM: Mapping[str, str] = MappingProxyType(
    {
        "callbacks": OBSERVED,
        "success_callback": OBSERVED,
        "failure_callback": OBSERVED,
        "service_callbacks": OBSERVED,
        "langfuse_default_tags": OBSERVED,
        "turn_off_message_logging": "prompts are not kept unless `records.bodies` is on",
        "redact_user_api_key_info": "keys are known by their names; no secret is logged",
        "redact_messages_in_exceptions": "no message holds a prompt",
        "cache": NOT_CACHED,
        "cache_params": NOT_CACHED,
        "set_verbose": "the log is structured, and never holds a prompt",
        "json_logs": "the log is JSON unless it goes to a terminal",
        "content_policy_fallbacks": "a refusal by the model is an answer here",
        "default_team_settings": "keys are the accounts here; there are no teams",
        "default_internal_user_params": "keys are the accounts here; there are no users",
        "max_budget": "budgets belong to keys here: keys[].limits.monthly_usd",
        "budget_duration": "budgets belong to keys here, by calendar month",
        "upperbound_key_generate_params": BY_FILE,
        "default_key_generate_params": BY_FILE,
        "key_generation_settings": BY_FILE,
        "force_ipv4": "addresses are tried as they come, both kinds at once",
        "ssl_verify": "certificates are always checked; see providers.NAME.tls.ca_file",
        "modify_params": "requests are not changed in silence",
        "num_retries_per_request": "see routing.retries",
        "telemetry": "nothing is sent to anybody",
        "public_model_groups": "GET /v1/models shows what a key may use",
    }
)
GENERAL: Mapping[str, str] = MappingProxyType(
    {
        "store_model_in_db": BY_FILE,
        "store_prompts_in_spend_logs": "see records.bodies",
        "disable_spend_logs": "every request has its record; see records.keep",
        "database_connection_pool_limit": "requests never wait for the database",
        "database_connection_timeout": "requests never wait for the database",
        "allow_requests_on_db_unavailable": "always so: records wait in a journal on disk",
        "alerting": "see `alerts:`, and the alert rules in examples/kubernetes",
        "alerting_threshold": "see the alert rules in examples/kubernetes",
        "alert_types": "see `alerts:`, and the alert rules in examples/kubernetes",
        "alerting_args": "see `alerts:`, and the alert rules in examples/kubernetes",
        "custom_auth": "callers are known by keys; put an authenticating proxy in front",
        "enable_jwt_auth": "callers are known by keys; put an authenticating proxy in front",
        "litellm_jwtauth": "callers are known by keys; put an authenticating proxy in front",
        "ui_access_mode": "there is no console; the admin API needs its token",
        "pass_through_endpoints": "there are no pass-through routes",
        "maximum_spend_logs_retention_period": "see records.keep",
        "proxy_batch_write_at": "see ledger_sync",
        "proxy_budget_rescheduler_min_time": NOTHING_LIKE_IT,
        "proxy_budget_rescheduler_max_time": NOTHING_LIKE_IT,
        "infer_model_from_keys": "each provider names its variable",
        "use_redis_transaction_buffer": "see ledger_sync",
        "key_management_system": "secrets come from the environment or from files",
        "key_management_settings": "secrets come from the environment or from files",
        "enforced_params": NOTHING_LIKE_IT,
        "allowed_routes": "see keys[].scopes",
        "admin_only_routes": "see keys[].scopes",
        "block_robots": "nothing here is for robots",
        "role_permissions": "see keys[].scopes",
        "salt_key": "no key of a caller is stored, only its digest",
    }
)
