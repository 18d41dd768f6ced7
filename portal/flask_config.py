"""What Flask and its extensions need to know, derived from `Settings`. No defaults of its own that an
operator sets."""

from datetime import timedelta
from typing import Any

from portal.config import Settings

_MAX_BODY_BYTES = 1024 * 1024


def flask_config(settings: Settings) -> dict[str, Any]:
    """The `app.config` of one process."""
    return {
        # Also when the environment asks for it: FLASK_DEBUG is for people who write code.
        "DEBUG": False,
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": max(settings.worker_concurrency, settings.web_threads) + 4,
            "max_overflow": 8,
            # The connection used last has prepared most of what comes next.
            "pool_use_lifo": True,
            "connect_args": {
                "connect_timeout": 5,
                "prepare_threshold": 1,
                "options": "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=10000"
                " -c idle_in_transaction_session_timeout=60000",
            },
        },
        "MAX_CONTENT_LENGTH": _MAX_BODY_BYTES,
        # One field may fill it, such as a pasted file; half of it is the library's default.
        "MAX_FORM_MEMORY_SIZE": _MAX_BODY_BYTES,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.session_cookie_secure,
        "SESSION_COOKIE_NAME": "__Host-portal" if settings.session_cookie_secure else "portal",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_max_hours),
        "TEMPLATES_AUTO_RELOAD": False,
    }
