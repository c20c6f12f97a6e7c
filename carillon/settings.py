"""Django's settings. Everything a host may set comes from CARILLON_* environment variables (docs/operations.md)."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from carillon.lib import environment, home, sealing

BASE_DIR = Path(__file__).resolve().parent

MASTER_SECRET = home.secret_key()
SECRET_KEY, *SECRET_KEY_FALLBACKS = sealing.session_keys(MASTER_SECRET)
DEBUG = False

# Plain http to an org on this machine: the demo and the tests, never a real org.
ALLOW_LOCAL_ORG = os.environ.get("CARILLON_ALLOW_LOCAL_ORG") == "1"
PUBLIC_URL = environment.address("CARILLON_PUBLIC_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", urlsplit(PUBLIC_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# Where texts are handed over to Twilio.
TWILIO_API = "https://api.twilio.com"
# How many reverse proxies stand before us and add to X-Forwarded-For.
TRUSTED_PROXIES = environment.number("CARILLON_TRUSTED_PROXIES", 0)
SERVED_OVER_HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "axes",
    "procrastinate.contrib.django",
    "carillon.accounts",
    "carillon.connections",
    "carillon.contacts",
    "carillon.consent",
    "carillon.imports",
    "carillon.messaging",
    "carillon.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "carillon.web.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "carillon.urls"
WSGI_APPLICATION = "carillon.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "carillon.web.context.navigation",
            ],
        },
    },
]

_conninfo = conninfo_to_dict(home.database_url())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(_conninfo.pop("dbname", "carillon")),
        "USER": str(_conninfo.pop("user", "")),
        "PASSWORD": str(_conninfo.pop("password", "")),
        "HOST": str(_conninfo.pop("host", "")),
        "PORT": str(_conninfo.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # A killed client must give up its locks within a second, not half a minute.
        "OPTIONS": {**_conninfo, "options": "-c client_connection_check_interval=1s -c jit=off"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.Member"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600

# Ten wrong passwords for one e-mail from one address close that pair for a quarter of an hour.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "carillon.web.client_ip.client_ip"
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_TEMPLATE = "web/locked_out.html"
AXES_VERBOSE = False
# Only wrong sign-ins are counted, and only while they count: addresses of who came in are nobody's business here.
AXES_DISABLE_ACCESS_LOG = True

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = SERVED_OVER_HTTPS
CSRF_COOKIE_SECURE = SERVED_OVER_HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31536000 if SERVED_OVER_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SERVED_OVER_HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Alerts go out by mail when a mail server is named; without one they are on the pages only.
EMAIL_HOST = os.environ.get("CARILLON_SMTP_HOST", "")
EMAIL_PORT = environment.number("CARILLON_SMTP_PORT", 587)
EMAIL_HOST_USER = os.environ.get("CARILLON_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("CARILLON_SMTP_PASSWORD", "")
_SMTP_SECURITY = environment.choice("CARILLON_SMTP_SECURITY", ("STARTTLS", "TLS", "NONE"), "STARTTLS")
EMAIL_USE_TLS, EMAIL_USE_SSL = _SMTP_SECURITY == "STARTTLS", _SMTP_SECURITY == "TLS"
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = (
    os.environ.get("CARILLON_EMAIL_BACKEND")
    or f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
)
DEFAULT_FROM_EMAIL = (
    os.environ.get("CARILLON_MAIL_FROM") or f"carillon@{urlsplit(PUBLIC_URL).hostname or 'localhost'}"
)

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "web" / "static"]
# Served from the source tree: nothing to collect before the first start.
WHITENOISE_USE_FINDERS = True

LOG_LEVELS = ("WARNING", "DEBUG", "INFO", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without_contacts": {"()": "carillon.web.log_filter.WithoutContacts"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_contacts"]}
    },
    "root": {
        "handlers": ["stderr"],
        "level": environment.choice("CARILLON_LOG_LEVEL", LOG_LEVELS, "WARNING"),
    },
}
