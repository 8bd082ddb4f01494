"""The only importer of SQLAlchemy: tables, writes, migrations."""
