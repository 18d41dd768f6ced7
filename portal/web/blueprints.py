"""The list of portal pages; `portal/web/__init__.py` registers what stands here."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
