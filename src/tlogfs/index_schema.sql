-- The catalog index, POND/cache/index.db (docs/format.md). Derived from the log, disposable. The last column of
-- each table is the XXH3-64 of the others (tlogfs/index_cells.c). Ids are the 16 bytes of the UUID.
CREATE TABLE stamp (
  one INTEGER PRIMARY KEY, pond_id TEXT, birthplace TEXT, format INTEGER, log_version INTEGER, entry_id TEXT,
  txn INTEGER, time INTEGER, checkpoint_version INTEGER, nodes INTEGER, versions INTEGER, blobs INTEGER,
  log_files INTEGER, log_bytes INTEGER, tombstones INTEGER, hash INTEGER);
-- The table's own protocol and metadata, for the next checkpoint.
CREATE TABLE log_table (
  one INTEGER PRIMARY KEY, id TEXT, name TEXT, description TEXT, schema TEXT, configuration TEXT,
  created_ms INTEGER, reader INTEGER, writer INTEGER, hash INTEGER);
-- "first" is the name of a directory's first child, "next" that of the next sibling: so a row's neighbours prove
-- that a name is absent and that a listing is whole.
CREATE TABLE nodes (
  parent BLOB, name TEXT, id BLOB, type INTEGER, states INTEGER, last_version INTEGER, version INTEGER,
  version_count INTEGER, txn INTEGER, time INTEGER, size INTEGER, rows INTEGER, range_min INTEGER,
  range_max INTEGER, min_override INTEGER, max_override INTEGER, factory TEXT, content TEXT, attributes TEXT,
  next TEXT, first TEXT, hash INTEGER, PRIMARY KEY (parent, name)) WITHOUT ROWID;
CREATE UNIQUE INDEX nodes_id ON nodes (id);
CREATE TABLE versions (
  node BLOB, version INTEGER, txn INTEGER, time INTEGER, size INTEGER, sha256 TEXT, bytes BLOB, parquet INTEGER,
  rows INTEGER, time_column TEXT, time_unit INTEGER, intervals TEXT, in_order INTEGER, schema TEXT,
  attributes TEXT, hash INTEGER, PRIMARY KEY (node, version)) WITHOUT ROWID;
CREATE TABLE blobs (
  name TEXT PRIMARY KEY, size INTEGER, refs INTEGER, dropped INTEGER, hash INTEGER) WITHOUT ROWID;
CREATE TABLE log_files (
  path TEXT PRIMARY KEY, size INTEGER, modified_ms INTEGER, stats TEXT, first_txn INTEGER, last_txn INTEGER,
  rows INTEGER, tags TEXT, hash INTEGER) WITHOUT ROWID;
CREATE TABLE tombstones (
  path TEXT PRIMARY KEY, deleted_ms INTEGER, size INTEGER, hash INTEGER) WITHOUT ROWID;
CREATE TABLE verified (
  name TEXT PRIMARY KEY, inode INTEGER, mtime_ns INTEGER, size INTEGER, hash INTEGER) WITHOUT ROWID;
