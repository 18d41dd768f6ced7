"""The web application for any WSGI server: `gunicorn wsgi:app`. `portal web` runs it with our settings."""

from portal.served import served_app

app = served_app()
