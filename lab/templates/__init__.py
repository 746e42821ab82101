"""Templates: an image that was booted once, settled, and was frozen, so that a clone of it runs at once."""

from lab.templates.failures import Failure, FailureBook
from lab.templates.key import TemplateKey
from lab.templates.store import Template, TemplateStore

__all__ = ["Failure", "FailureBook", "Template", "TemplateKey", "TemplateStore"]
