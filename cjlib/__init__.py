"""cjlib: from survey exports, interviews and event logs to personas, journey maps and a report."""

__version__ = "0.1.0"
