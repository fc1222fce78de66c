import logging.config

from alembic import context

import shardwise.finance.models  # noqa: F401  # fills the metadata of both branches
from shardwise.migrations import environment

if context.config.config_file_name is not None:
    logging.config.fileConfig(context.config.config_file_name, disable_existing_loggers=False)

environment.run(context)
