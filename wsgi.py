"""The web application for any WSGI server: `gunicorn wsgi:app`. `portal web` runs it with our settings."""

from portal import create_app

app = create_app()
